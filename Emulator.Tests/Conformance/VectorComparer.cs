using System.Globalization;
using System.Text;
using Emulator.Core.Cpu;

namespace Emulator.Tests.Conformance;

/// <summary>Compares a machine with a vector's final state, as shared/vectors/FORMAT.md says.</summary>
internal static unsafe class VectorComparer
{
    private const ushort C1 = 0x200;

    private static readonly string[] GprNames = ["EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"];
    private static readonly string[] SelectorNames = ["ES", "CS", "SS", "DS", "FS", "GS"];
    private static readonly string[] FlagNames =
        ["CF", "1", "PF", "3", "AF", "5", "ZF", "SF", "TF", "IF", "DF", "OF", "IOPL0", "IOPL1", "NT", "15", "RF", "VM", "AC", "VIF", "VIP", "ID"];

    /// <summary>Compares registers and exception.</summary>
    /// <param name="m">The machine after execution.</param>
    /// <param name="v">The vector.</param>
    /// <param name="mode">The mode it ran in.</param>
    /// <param name="report">Receives one line for each difference; null to stop at the first.</param>
    public static bool RegistersMatch(VectorMachine m, Vector v, VectorModes mode, StringBuilder? report)
    {
        CpuState* s = m.State;
        VectorState e = v.Final;
        bool ok = Check("exception", m.Exception, v.Exception, report);
        if (m.Exception == v.Exception && v.Exception != Vector.NoException)
        {
            ok &= mode == VectorModes.R16 || Check("error code", m.Error, v.Error, report);
            ok &= v.Exception != ExceptionVector.PageFault || Check("CR2", s->Cr2, v.Cr2, report);
        }

        ok &= Check("EIP", m.FinalEip, e.Eip, report);
        if (!ok && report is null)
        {
            return false;
        }

        for (int i = 0; i < 8; i++)
        {
            ok &= (v.UndefinedGpr & (1 << i)) != 0 || Check(GprNames[i], CpuState.R32(s, i), e.Gpr[i], report);
        }

        uint mask = ~(v.UndefinedFlags | Eflags.RF | (mode == VectorModes.V86 ? Eflags.VM | Eflags.IoplMask : 0));
        uint flags = LazyFlags.Read(s);
        if (((flags ^ e.Eflags) & mask) != 0)
        {
            ok = false;
            report?.Append(CultureInfo.InvariantCulture, $"  EFLAGS {flags:X8} expected {e.Eflags:X8}, differ in {Flags((flags ^ e.Eflags) & mask)}\n");
        }

        for (int i = 0; i < 6; i++)
        {
            bool free = mode == VectorModes.P32 && (i is SegmentIndex.Cs or SegmentIndex.Ss);
            ok &= free || Check(SelectorNames[i], CpuState.Segment(s, i)->Selector, e.Selectors[i], report);
        }

        if (!ok && report is null)
        {
            return false;
        }

        m.WasInexact = false;
        return FpuMatches(m, v, report) & SseMatches(m, v, report) & ok;
    }

    /// <summary>Describes the differences of memory.</summary>
    /// <param name="m">The machine.</param>
    /// <param name="report">Receives one line for each run of bytes.</param>
    public static void DescribeMemory(VectorMachine m, StringBuilder report)
    {
        ReadOnlySpan<byte> actual = m.Ram;
        ReadOnlySpan<byte> expected = m.Expected;
        int lines = 0;
        for (int at = 0; at < actual.Length && lines < 12; at++)
        {
            if (actual[at] == expected[at])
            {
                continue;
            }

            int end = at;
            while (end < actual.Length && end < at + 16 && !actual[end..Math.Min(end + 4, actual.Length)].SequenceEqual(expected[end..Math.Min(end + 4, actual.Length)]))
            {
                end++;
            }

            report.Append(CultureInfo.InvariantCulture, $"  [{at:X8}] {Convert.ToHexString(actual[at..end])} expected {Convert.ToHexString(expected[at..end])}\n");
            at = end;
            lines++;
        }
    }

    private static bool FpuMatches(VectorMachine m, Vector v, StringBuilder? report)
    {
        CpuState* s = m.State;
        VectorState e = v.Final;
        bool approx = v.Has(VectorAttributes.Approx);
        ushort fswMask = (ushort)~(v.UndefinedFsw | (approx ? C1 : 0));
        bool ok = Check("FCW", s->Fcw, e.Fcw, report);
        ok &= Check("FSW", (uint)(s->Fsw & fswMask), (uint)(e.Fsw & fswMask), report);
        ok &= Check("FTW", s->Ftw, e.Ftw, report);
        for (int i = 0; i < 8; i++)
        {
            FpuRegister* r = CpuState.FpuPhysical(s, i);
            if (r->Significand == e.Significands[i] && r->SignExponent == e.SignExponents[i])
            {
                continue;
            }

            if (approx && WithinOneUlp(r->Significand, r->SignExponent, e.Significands[i], e.SignExponents[i]))
            {
                m.WasInexact = true;
                continue;
            }

            ok = false;
            report?.Append(CultureInfo.InvariantCulture, $"  R{i} {r->SignExponent:X4} {r->Significand:X16} expected {e.SignExponents[i]:X4} {e.Significands[i]:X16}\n");
        }

        return ok;
    }

    private static bool SseMatches(VectorMachine m, Vector v, StringBuilder? report)
    {
        CpuState* s = m.State;
        VectorState e = v.Final;
        bool approx = v.Has(VectorAttributes.Approx);

        // A vector without SSE block does not record the flags that a conversion from memory to a general register raises.
        bool ok = !v.Has(VectorAttributes.Sse) || Check("MXCSR", s->Mxcsr, e.Mxcsr, report);
        for (int i = 0; i < 8; i++)
        {
            ulong* x = (ulong*)CpuState.XmmBytes(s, i);
            if (x[0] == e.Xmm[2 * i] && x[1] == e.Xmm[(2 * i) + 1])
            {
                continue;
            }

            if (approx && IsEstimate(x[0], e.Xmm[2 * i]) && IsEstimate(x[1], e.Xmm[(2 * i) + 1]))
            {
                m.WasInexact = true;
                continue;
            }

            ok = false;
            report?.Append(CultureInfo.InvariantCulture, $"  XMM{i} {x[1]:X16}_{x[0]:X16} expected {e.Xmm[(2 * i) + 1]:X16}_{e.Xmm[2 * i]:X16}\n");
        }

        return ok;
    }

    /// <summary>Whether two 80-bit values are equal or neighbours.</summary>
    private static bool WithinOneUlp(ulong a, ushort ae, ulong b, ushort be)
    {
        if (ae == be)
        {
            return a - b is 0 or 1 or ulong.MaxValue;
        }

        const ulong Lowest = 0x8000000000000000;
        return (ae == be + 1 && a == Lowest && b == ulong.MaxValue) || (be == ae + 1 && b == Lowest && a == ulong.MaxValue);
    }

    /// <summary>Whether both singles in a pair are the same or estimates of the same value (relative error of each up to 1.5 * 2^-12).</summary>
    private static bool IsEstimate(ulong actual, ulong expected) =>
        IsEstimate((uint)actual, (uint)expected) && IsEstimate((uint)(actual >> 32), (uint)(expected >> 32));

    private static bool IsEstimate(uint actual, uint expected)
    {
        if (actual == expected)
        {
            return true;
        }

        float a = BitConverter.UInt32BitsToSingle(actual);
        float e = BitConverter.UInt32BitsToSingle(expected);
        return float.IsNormal(a) && float.IsNormal(e) && Math.Abs((double)a - e) <= 3.0 / 4096 * Math.Abs((double)e);
    }

    private static bool Check(string name, uint actual, uint expected, StringBuilder? report)
    {
        if (actual == expected)
        {
            return true;
        }

        report?.Append(CultureInfo.InvariantCulture, $"  {name} {actual:X} expected {expected:X}\n");
        return false;
    }

    private static string Flags(uint bits) => string.Join(' ', FlagNames.Where((_, i) => (bits & (1u << i)) != 0));
}
