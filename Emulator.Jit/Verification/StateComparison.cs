using System.Globalization;
using System.Text;
using Emulator.Core.Cpu;

namespace Emulator.Jit.Verification;

/// <summary>Compares the architectural states of two CPUs, and prints them.</summary>
internal static unsafe class StateComparison
{
    private static readonly string[] GprNames = ["EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"];
    private static readonly string[] SegmentNames = ["ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"];

    /// <summary>
    /// Whether everything that a guest or the machine can see is equal. That STI has just been executed counts only while something asks for an
    /// interrupt: how much budget was left decides whether it is noted otherwise.
    /// </summary>
    public static bool Equal(CpuState* a, CpuState* b)
    {
        return new ReadOnlySpan<ulong>(a->Gpr, 8).SequenceEqual(new ReadOnlySpan<ulong>(b->Gpr, 8))
            && a->Eip == b->Eip && LazyFlags.Read(a) == LazyFlags.Read(b) && ((a->Pending ^ b->Pending) & (a->IntrLine != 0 ? (PendingWork)~0 : ~PendingWork.Shadow)) == 0 && a->Cpl == b->Cpl && a->ModeKey == b->ModeKey
            && (a->Cr0, a->Cr2, a->Cr3, a->Cr4) == (b->Cr0, b->Cr2, b->Cr3, b->Cr4)
            && (a->IsHalted, a->IsShutdown, a->IntrLine, a->InFlight) == (b->IsHalted, b->IsShutdown, b->IntrLine, b->InFlight)
            && (a->GdtBase, a->IdtBase, a->GdtLimit, a->IdtLimit) == (b->GdtBase, b->IdtBase, b->GdtLimit, b->IdtLimit)
            && new ReadOnlySpan<uint>(a->Dr, 8).SequenceEqual(new ReadOnlySpan<uint>(b->Dr, 8))
            && (a->Fcw, a->Fsw, a->Ftw, a->Fop, a->Fcs, a->Fds) == (b->Fcw, b->Fsw, b->Ftw, b->Fop, b->Fcs, b->Fds)
            && (a->Fip, a->Fdp, a->Mxcsr) == (b->Fip, b->Fdp, b->Mxcsr)
            && new ReadOnlySpan<byte>(&a->Xmm, 128).SequenceEqual(new ReadOnlySpan<byte>(&b->Xmm, 128))
            && SegmentsEqual(a, b) && FpuEqual(a, b);
    }

    /// <summary>Every field of a state, and those of another one where they differ.</summary>
    /// <param name="a">The state.</param>
    /// <param name="b">The other one; null for none.</param>
    public static string Describe(CpuState* a, CpuState* b = null)
    {
        StringBuilder text = new();
        List<(string Name, string Value)> left = List(a);
        List<(string Name, string Value)> right = b == null ? left : List(b);
        for (int i = 0; i < left.Count; i++)
        {
            bool same = left[i].Value == right[i].Value;
            text.Append(CultureInfo.InvariantCulture, $"{(same ? ' ' : '*')} {left[i].Name,-6} {left[i].Value}");
            text.Append(same ? "\n" : $"   <> {right[i].Value}\n");
        }

        return text.ToString();
    }

    private static bool SegmentsEqual(CpuState* a, CpuState* b)
    {
        for (int i = 0; i < 8; i++)
        {
            SegmentRegister* x = CpuState.Segment(a, i);
            SegmentRegister* y = CpuState.Segment(b, i);
            if ((x->Selector, x->Base, x->Limit, x->Attributes) != (y->Selector, y->Base, y->Limit, y->Attributes))
            {
                return false;
            }
        }

        return true;
    }

    private static bool FpuEqual(CpuState* a, CpuState* b)
    {
        for (int i = 0; i < 8; i++)
        {
            FpuRegister* x = CpuState.FpuPhysical(a, i);
            FpuRegister* y = CpuState.FpuPhysical(b, i);
            if (x->Significand != y->Significand || x->SignExponent != y->SignExponent)
            {
                return false;
            }
        }

        return true;
    }

    private static List<(string Name, string Value)> List(CpuState* s)
    {
        List<(string Name, string Value)> list = [];
        for (int i = 0; i < 8; i++)
        {
            list.Add((GprNames[i], Hex(s->Gpr[i], 8)));
        }

        list.Add(("EIP", Hex(s->Eip, 8)));
        list.Add(("EFL", Hex(LazyFlags.Read(s), 8)));
        list.Add(("state", $"{s->Pending}, CPL {s->Cpl}, mode {s->ModeKey:X}, halted {s->IsHalted}, shutdown {s->IsShutdown}, INTR {s->IntrLine}, in flight {s->InFlight}"));
        list.Add(("CR", $"{s->Cr0:X8} {s->Cr2:X8} {s->Cr3:X8} {s->Cr4:X8}"));
        list.Add(("DR", $"{s->Dr[0]:X8} {s->Dr[1]:X8} {s->Dr[2]:X8} {s->Dr[3]:X8} {s->Dr[6]:X8} {s->Dr[7]:X8}"));
        list.Add(("tables", $"{s->GdtBase:X8} {s->GdtLimit:X4} {s->IdtBase:X8} {s->IdtLimit:X4}"));
        for (int i = 0; i < 8; i++)
        {
            SegmentRegister* r = CpuState.Segment(s, i);
            list.Add((SegmentNames[i], $"{r->Selector:X4} {r->Base:X8} {r->Limit:X8} {r->Attributes:X4}"));
        }

        list.Add(("FPU", $"FCW {s->Fcw:X4} FSW {s->Fsw:X4} FTW {s->Ftw:X2} FOP {s->Fop:X3} FIP {s->Fcs:X4}:{s->Fip:X8} FDP {s->Fds:X4}:{s->Fdp:X8}"));
        for (int i = 0; i < 8; i++)
        {
            FpuRegister* r = CpuState.FpuPhysical(s, i);
            list.Add(("R" + Hex((uint)i, 1), $"{r->SignExponent:X4} {r->Significand:X16}"));
        }

        list.Add(("MXCSR", Hex(s->Mxcsr, 8)));
        for (int i = 0; i < 8; i++)
        {
            ulong* x = (ulong*)CpuState.XmmBytes(s, i);
            list.Add(("XMM" + Hex((uint)i, 1), $"{x[1]:X16}_{x[0]:X16}"));
        }

        return list;
    }

    private static string Hex(ulong value, int digits) => value.ToString("X" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
