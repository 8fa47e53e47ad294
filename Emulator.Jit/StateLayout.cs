using Emulator.Core.Cpu;

namespace Emulator.Jit;

/// <summary>Byte offsets of the fields of <see cref="CpuState"/> that emitted code touches.</summary>
internal static unsafe class StateLayout
{
    static StateLayout()
    {
        CpuState state = default;
        CpuState* s = &state;
        MissKind = (int)((byte*)&s->MissKind - (byte*)s);
        MissLinear = (int)((byte*)&s->MissLinear - (byte*)s);
        FlagResult = (int)((byte*)&s->FlagResult - (byte*)s);
        FlagCarries = (int)((byte*)&s->FlagCarries - (byte*)s);
        DeferredFlags = (int)((byte*)&s->DeferredFlags - (byte*)s);
        DeferredResult = (int)((byte*)&s->DeferredResult - (byte*)s);
        DeferredOperand = (int)((byte*)&s->DeferredOperand - (byte*)s);
        Budget = (int)((byte*)&s->Budget - (byte*)s);
        Eip = (int)((byte*)&s->Eip - (byte*)s);
        BlockEip = (int)((byte*)&s->BlockEip - (byte*)s);
        CurrentBlock = (int)((byte*)&s->CurrentBlock - (byte*)s);
        Pending = (int)((byte*)&s->Pending - (byte*)s);
        Fcw = (int)((byte*)&s->Fcw - (byte*)s);
        Fsw = (int)((byte*)&s->Fsw - (byte*)s);
        Tlb = (int)((byte*)&s->Tlb - (byte*)s);
        InstructionTlb = (int)((byte*)&s->InstructionTlb - (byte*)s);
        ModeKey = (int)((byte*)&s->ModeKey - (byte*)s);
        TransfersLeft = (int)((byte*)&s->TransfersLeft - (byte*)s);
        JumpCache = (int)((byte*)&s->JumpCache - (byte*)s);
        CodeGeneration = (int)((byte*)&s->CodeGeneration - (byte*)s);
        CodePieces = (int)((byte*)&s->CodePieces - (byte*)s);
        Cr0 = (int)((byte*)&s->Cr0 - (byte*)s);
        Cr4 = (int)((byte*)&s->Cr4 - (byte*)s);
        Mxcsr = (int)((byte*)&s->Mxcsr - (byte*)s);
        Ftw = (int)((byte*)&s->Ftw - (byte*)s);
        Fpu = (int)((byte*)&s->Fpu - (byte*)s);
        Xmm = (int)((byte*)&s->Xmm - (byte*)s);
        Segments = (int)((byte*)CpuState.Segment(s, 0) - (byte*)s);
        EflagsRest = (int)((byte*)&s->EflagsRest - (byte*)s);
        Cpl = (int)((byte*)&s->Cpl - (byte*)s);
        IntrLine = (int)((byte*)&s->IntrLine - (byte*)s);
        SegmentRegister segment = default;
        SegmentBase = (int)((byte*)&segment.Base - (byte*)&segment);
        SegmentHigh = (int)((byte*)&segment.High - (byte*)&segment);
        SegmentAttributes = (int)((byte*)&segment.Attributes - (byte*)&segment);
        SegmentSelector = (int)((byte*)&segment.Selector - (byte*)&segment);
        SegmentReadEnd = (int)((byte*)&segment.ReadEnd - (byte*)&segment);
        SegmentWriteEnd = (int)((byte*)&segment.WriteEnd - (byte*)&segment);
        FpuRegister register = default;
        SignExponent = (int)((byte*)&register.SignExponent - (byte*)&register);
    }

    public static int MissKind { get; }

    public static int MissLinear { get; }

    public static int FlagResult { get; }

    public static int FlagCarries { get; }

    public static int DeferredFlags { get; }

    public static int DeferredResult { get; }

    public static int DeferredOperand { get; }

    public static int Budget { get; }

    public static int Eip { get; }

    public static int BlockEip { get; }

    public static int CurrentBlock { get; }

    public static int Pending { get; }

    public static int Fcw { get; }

    public static int Fsw { get; }

    public static int Tlb { get; }

    public static int InstructionTlb { get; }

    public static int Cpl { get; }

    public static int IntrLine { get; }

    public static int ModeKey { get; }

    public static int TransfersLeft { get; }

    public static int JumpCache { get; }

    public static int CodeGeneration { get; }

    public static int CodePieces { get; }

    public static int Cr0 { get; }

    public static int Cr4 { get; }

    public static int Mxcsr { get; }

    public static int Ftw { get; }

    public static int Fpu { get; }

    public static int Xmm { get; }

    public static int EflagsRest { get; }

    public static int Segments { get; }

    /// <summary>Offset in <see cref="SegmentRegister"/>.</summary>
    public static int SegmentBase { get; }

    /// <summary>Offset in <see cref="SegmentRegister"/>.</summary>
    public static int SegmentHigh { get; }

    /// <summary>Offset in <see cref="SegmentRegister"/>.</summary>
    public static int SegmentSelector { get; }

    /// <summary>Offset in <see cref="SegmentRegister"/>.</summary>
    public static int SegmentAttributes { get; }

    /// <summary>Offset in <see cref="SegmentRegister"/>.</summary>
    public static int SegmentReadEnd { get; }

    /// <summary>Offset in <see cref="SegmentRegister"/>.</summary>
    public static int SegmentWriteEnd { get; }

    /// <summary>Offset of a field of a segment register in the state.</summary>
    /// <param name="segment">A <see cref="SegmentIndex"/> value.</param>
    /// <param name="field">Offset in <see cref="SegmentRegister"/>.</param>
    public static int OfSegment(int segment, int field) => Segments + (segment * sizeof(SegmentRegister)) + field;

    /// <summary>Offset in <see cref="FpuRegister"/>.</summary>
    public static int SignExponent { get; }
}
