using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Semantics.X87;

namespace Emulator.Jit;

/// <summary>
/// What emitted code calls to bring the x87 from <see cref="CpuState"/> into its locals and back. The state is passed as an address; registers
/// are relative to a base, see <see cref="X87State"/>.
/// </summary>
public static unsafe class X87Context
{
    /// <summary>In a tag local: the FPU must be left to the interpreter.</summary>
    public const uint Unusable = 0x100;

    /// <summary>In an opcode local: an instruction has executed.</summary>
    public const uint Executed = 0x1_0000;

    /// <summary>Position of the data segment plus one in an opcode local.</summary>
    public const int SegmentShift = 20;

    /// <summary>Physical number of ST(0).</summary>
    /// <param name="state">The CPU's state.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Top(nint state) => (((CpuState*)state)->Fsw >> X87Status.TopShift) & 7;

    /// <summary>The tags by relative number: bit set for a register that is not empty; and <see cref="Unusable"/>.</summary>
    /// <param name="state">The CPU's state.</param>
    /// <param name="basis">Physical number of relative register 0; only its low three bits count.</param>
    /// <param name="masks">Exceptions that must be masked.</param>
    public static uint Tags(nint state, int basis, uint masks)
    {
        CpuState* s = (CpuState*)state;
        uint tags = ((s->Ftw | ((uint)s->Ftw << 8)) >> (basis & 7)) & 0xFF;
        bool usable = (s->Cr0 & (Cr0.EM | Cr0.TS)) == 0 && (s->Fsw & X87Status.ErrorSummary) == 0 && (~s->Fcw & masks) == 0;
        return usable ? tags : tags | Unusable;
    }

    /// <summary>The significand of a register.</summary>
    /// <param name="state">The CPU's state.</param>
    /// <param name="number">Physical number; only its low three bits count.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Significand(nint state, int number) => CpuState.FpuPhysical((CpuState*)state, number)->Significand;

    /// <summary>Sign and exponent of a register, as <see cref="X87Packed.Bits"/>.</summary>
    /// <param name="state">The CPU's state.</param>
    /// <param name="number">Physical number; only its low three bits count.</param>
    public static uint SignExponent(nint state, int number)
    {
        FpuRegister* register = CpuState.FpuPhysical((CpuState*)state, number);
        return X87Packed.BitsOf(register->Significand, register->SignExponent);
    }

    /// <summary>Writes a register.</summary>
    /// <param name="state">The CPU's state.</param>
    /// <param name="number">Physical number; only its low three bits count.</param>
    /// <param name="significand">Its significand.</param>
    /// <param name="bits">Sign and exponent in the low 16 bits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetRegister(nint state, int number, ulong significand, uint bits)
    {
        FpuRegister* register = CpuState.FpuPhysical((CpuState*)state, number);
        register->Significand = significand;
        register->SignExponent = (ushort)bits;
    }

    /// <summary>The status word.</summary>
    /// <param name="fsw">The status word as it was, with the condition codes as they are.</param>
    /// <param name="sticky">All that was raised since, in bits 31..16.</param>
    /// <param name="c1">C1 in bit 25.</param>
    /// <param name="top">TOP; only its low three bits count.</param>
    public static uint Status(uint fsw, uint sticky, uint c1, int top) =>
        (fsw & ~(X87Status.TopMask | X87Status.C1)) | ((sticky >> X87Packed.RaisedShift) & X87Status.Exceptions)
            | ((c1 >> X87Packed.RaisedShift) & X87Status.C1) | ((uint)(top & 7) << X87Status.TopShift);

    /// <summary>Writes everything but the registers back.</summary>
    /// <param name="state">The CPU's state.</param>
    /// <param name="fsw">The status word.</param>
    /// <param name="fcw">The control word.</param>
    /// <param name="tags">The tags by relative number.</param>
    /// <param name="basis">Physical number of relative register 0; only its low three bits count.</param>
    /// <param name="ip">EIP of the last instruction.</param>
    /// <param name="opcode">Its opcode, <see cref="Executed"/> and the data segment plus one; 0 when none has executed.</param>
    /// <param name="dp">Offset of the last memory operand.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Store(nint state, uint fsw, uint fcw, uint tags, int basis, uint ip, uint opcode, uint dp)
    {
        CpuState* s = (CpuState*)state;
        s->Fsw = (ushort)fsw;
        s->Fcw = (ushort)fcw;
        tags = (tags & 0xFF) << (basis & 7);
        s->Ftw = (byte)(tags | (tags >> 8));
        if ((opcode & Executed) != 0)
        {
            s->Fip = ip;
            s->Fop = (ushort)opcode;
            s->Fcs = CpuState.Segment(s, SegmentIndex.Cs)->Selector;
        }

        if (opcode >> SegmentShift != 0)
        {
            s->Fdp = dp;
            s->Fds = CpuState.Segment(s, (int)(opcode >> SegmentShift) - 1)->Selector;
        }
    }

    /// <summary>The lazy-flag result of FCOMI.</summary>
    /// <param name="conditions">The condition codes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long FlagResult(uint conditions)
    {
        uint zero = (conditions >> 14) & 1;
        uint parity = (conditions >> 10) & 1;
        return (zero ^ 1) | ((long)(zero ^ parity) << 32);
    }

    /// <summary>The lazy-flag carries of FCOMI.</summary>
    /// <param name="conditions">The condition codes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint FlagCarries(uint conditions) => (uint)((int)(conditions << 23) >> 1) & 0xC000_0000;
}
