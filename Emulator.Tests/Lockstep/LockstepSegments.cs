using Emulator.Core.Cpu;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emulator.Tests.Lockstep;

/// <summary>
/// Where the modes other than flat 32-bit code have their segments. 16-bit code sees the data at linear 40000h and its stack at 60000h (behind
/// paging the data are those of the flat mode), and the code through a segment that begins 16 bytes below it: FFFFh in real and
/// virtual-8086 mode.
/// </summary>
internal static unsafe class LockstepSegments
{
    public const uint Data16 = 0x40000;
    public const uint StackPointer16 = 0x2000;

    /// <summary>Selectors that programs load: good ones, with a limit in the middle, read-only, expand-down, null and bad ones.</summary>
    public static readonly ushort[] ProtectedSelectors = [0x4B, 0x4B, 0x53, 0x6B, 0x33, 0x3B, 0x23, 0, 0x43, 0x99];
    public static readonly ushort[] RealSelectors = [0x4000, 0x4000, 0x4011, 0x3FF9, 0x4800, 0x6000, 0xFFFF, 0x0600];
    public static readonly ushort[] BasedSelectors = [0x7B, 0x7B, 0x83, 0x23, 0x33, 0x3B, 0, 0x6B];

    public const uint Stack16 = 0x60000;
    private const uint CodeBase16 = 0xFFFF0;
    private const uint CodeBase32 = 0x10;
    private const int DescriptorCount = 0x11;

    public static bool Is16(LockstepMode mode) => mode is LockstepMode.Protected16 or LockstepMode.Virtual86 or LockstepMode.Real;

    public static uint CodeBase(LockstepMode mode) => mode switch { LockstepMode.Flat32 => 0, LockstepMode.Based32 => CodeBase32, _ => CodeBase16 };

    /// <summary>ESP to start and to go on with.</summary>
    public static uint StackPointer(LockstepSetup setup) =>
        Is16(setup.Mode) ? StackPointer16 : setup.User ? LockstepMachine.UserStackTop : LockstepMachine.SupervisorStackTop;

    public static ushort CodeSelector(LockstepMode mode) => mode switch { LockstepMode.Based32 => 0x73, LockstepMode.Protected16 => 0x43, _ => 0xFFFF };

    public static ushort DataSelector(LockstepMode mode) => mode switch { LockstepMode.Based32 => 0x7B, LockstepMode.Protected16 => 0x4B, _ => 0x4000 };

    public static ushort StackSelector(LockstepMode mode) => mode switch { LockstepMode.Based32 => 0x7B, LockstepMode.Protected16 => 0x5B, _ => 0x6000 };

    /// <summary>The descriptors from 40h on, some of them with limits that the seed chooses.</summary>
    /// <param name="seed">The seed.</param>
    public static ulong Descriptor(int index, ulong seed) => index switch
    {
        0x08 => Make(CodeBase16, seed % 3 == 0 ? 0x4F00u : 0xFFFF, 0xFB, 0),
        0x09 => Make(Data16, 0xFFFF, 0xF3, 0),
        0x0A => Make(Data16 + 0x10, 0x8FFE, 0xF3, 0),
        0x0B => Make(Stack16, seed / 3 % 4 == 0 ? 0x3001u : 0xFFFF, 0xF3, seed / 3 % 2 == 0 ? 0u : 4),
        0x0D => Make(Data16, 0xFFFF, 0xF1, 0),
        0x0E => Make(CodeBase32, seed % 3 == 0 ? 0x103u : 0xFFFFF, 0xFB, 0xC),
        0x0F => Make(seed % 2 == 0 ? 0x10u : 0xFFFFFFF0, seed / 3 % 2 == 0 ? 0xFFFFFu : 0x1A7, 0xF3, 0xC),
        0x10 => Make(4, 0x188FF & 0xFFFFF, 0xF3, 0xC),
        _ => 0,
    };

    /// <summary>Writes the descriptors.</summary>
    /// <param name="image">Memory.</param>
    /// <param name="seed">The seed.</param>
    public static void WriteDescriptors(byte[] image, ulong seed)
    {
        for (int i = 8; i < DescriptorCount; i++)
        {
            BitConverter.TryWriteBytes(image.AsSpan((int)LockstepMachine.Gdt + (i * 8)), Descriptor(i, seed));
        }
    }

    /// <summary>Brings a CPU that was set up for the flat mode at CPL 3 into another one.</summary>
    /// <param name="s">The state.</param>
    /// <param name="setup">The setup.</param>
    public static void Enter(CpuState* s, LockstepSetup setup)
    {
        LockstepMode mode = setup.Mode;
        s->GdtLimit = (DescriptorCount * 8) - 1;
        CpuState.R32(s, 4) = StackPointer(setup) - 0x100;
        if (mode == LockstepMode.Real)
        {
            s->Cr0 &= ~(Cr0.PE | Cr0.PG);
            s->Cpl = 0;
            (s->IdtBase, s->IdtLimit) = (0, 0x3FF);
        }
        else if (mode == LockstepMode.Virtual86)
        {
            // Now and then without the right to PUSHF, CLI and the like.
            LazyFlags.Write(s, Eflags.VM | Eflags.IF | (setup.Seed % 5 == 0 ? 0 : Eflags.IoplMask) | 2);
        }

        for (int i = 0; i < 6; i++)
        {
            ushort selector = i == SegmentIndex.Cs ? CodeSelector(mode) : i == SegmentIndex.Ss ? StackSelector(mode) : DataSelector(mode);
            switch (mode)
            {
                case LockstepMode.Real:
                    Segmentation.SetHidden(s, i, selector, (uint)selector << 4, 0xFFFF, 0x93);
                    break;
                case LockstepMode.Virtual86:
                    Segmentation.SetV86(s, i, selector);
                    break;
                default:
                    Segmentation.SetRaw(s, i, selector, Descriptor(selector >> 3, setup.Seed));
                    break;
            }
        }
    }

    /// <summary>Pushes what an IRET needs to go on with the program, besides EIP; the flags are in EAX.</summary>
    /// <param name="a">The handler's code.</param>
    /// <param name="mode">The mode.</param>
    public static void PushFrame(Assembler a, LockstepMode mode)
    {
        if (mode == LockstepMode.Virtual86)
        {
            for (int i = 0; i < 4; i++)
            {
                a.push(DataSelector(mode));
            }
        }
        else
        {
            a.push(eax);
            a.mov(eax, DataSelector(mode));
            a.mov(ds, eax);
            a.mov(es, eax);
            a.pop(eax);
        }

        a.push(StackSelector(mode));
        a.push((int)(mode == LockstepMode.Based32 ? LockstepMachine.UserStackTop : StackPointer16) - 0x100);
        a.push(eax);
        a.push(CodeSelector(mode));
    }

    private static ulong Make(uint address, uint limit, uint access, uint flags) =>
        (limit & 0xFFFF) | ((ulong)(address & 0xFFFFFF) << 16) | ((ulong)access << 40) | ((ulong)(limit >> 16) << 48) | ((ulong)flags << 52) | ((ulong)(address >> 24) << 56);
}
