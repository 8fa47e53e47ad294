using Emulator.Core.Cpu;

namespace Emulator.Jit;

/// <summary>Byte offsets of the fields of <see cref="CpuState"/> that emitted code touches.</summary>
internal static unsafe class StateLayout
{
    static StateLayout()
    {
        CpuState state = default;
        CpuState* s = &state;
        FlagResult = (int)((byte*)&s->FlagResult - (byte*)s);
        FlagCarries = (int)((byte*)&s->FlagCarries - (byte*)s);
        Budget = (int)((byte*)&s->Budget - (byte*)s);
        Eip = (int)((byte*)&s->Eip - (byte*)s);
        BlockEip = (int)((byte*)&s->BlockEip - (byte*)s);
        CurrentBlock = (int)((byte*)&s->CurrentBlock - (byte*)s);
        Pending = (int)((byte*)&s->Pending - (byte*)s);
        Tlb = (int)((byte*)&s->Tlb - (byte*)s);
        ModeKey = (int)((byte*)&s->ModeKey - (byte*)s);
        JumpCache = (int)((byte*)&s->JumpCache - (byte*)s);
        CodeGeneration = (int)((byte*)&s->CodeGeneration - (byte*)s);
    }

    public static int FlagResult { get; }

    public static int FlagCarries { get; }

    public static int Budget { get; }

    public static int Eip { get; }

    public static int BlockEip { get; }

    public static int CurrentBlock { get; }

    public static int Pending { get; }

    public static int Tlb { get; }

    public static int ModeKey { get; }

    public static int JumpCache { get; }

    public static int CodeGeneration { get; }
}
