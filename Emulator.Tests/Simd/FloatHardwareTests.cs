using System.Globalization;
using System.IO.Compression;
using System.Runtime.Intrinsics;
using Emulator.Core.Cpu;
using Emulator.Core.Semantics.Simd;
using NUnit.Framework;

namespace Emulator.Tests.Simd;

/// <summary>
/// SSE floating point against a real processor (AMD EPYC, family 1Ah). Each line of hardware.txt.gz: mnemonic, MXCSR, first and second
/// operand, result, MXCSR afterwards (numbers in hex, registers high quadword first), 1 when #XM was raised. Operands lean towards
/// NaNs, denormals, the ends of the range and ties; MXCSR takes all rounding modes, DAZ, FTZ and unmasked exceptions.
/// </summary>
public sealed class FloatHardwareTests
{
    [Test]
    public void Results_and_exceptions_equal_the_recorded_ones()
    {
        List<string> failures = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (Record r in Records())
        {
            uint raised = 0;
            Vector128<byte> result = FloatOperations.All[r.Name](r.A, r.B, r.Mxcsr, ref raised);
            r.Check(result, r.Mxcsr | raised, Mxcsr.Unmasked(r.Mxcsr, raised) != 0, failures);
            seen.Add(r.Name);
        }

        Assert.Multiple(() =>
        {
            Assert.That(failures, Is.Empty);
            Assert.That(seen, Is.EquivalentTo(FloatOperations.All.Keys));
        });
    }

    [Test]
    public unsafe void Instructions_give_the_recorded_results()
    {
        List<string> failures = [];
        SimdMachine m = new();
        int run = 0;
        foreach (Record r in Records())
        {
            if (Encoding(r.Name) is not { } code)
            {
                continue;
            }

            run++;
            m.Xmm(0) = r.A.AsUInt64();
            m.Xmm(1) = r.B.AsUInt64();
            m.State->Mxcsr = r.Mxcsr;
            int vector = m.Execute(code);
            r.Check(m.Xmm(0).AsByte(), m.State->Mxcsr, vector == ExceptionVector.SimdFloatingPoint, failures);
        }

        Assert.Multiple(() =>
        {
            Assert.That(failures, Is.Empty);
            Assert.That(run, Is.GreaterThan(2000));
        });
    }

    /// <summary>The instruction on XMM0 and XMM1, for the mnemonics that write XMM0.</summary>
    private static byte[]? Encoding(string name)
    {
        byte[] prefix = name[^2..] switch
        {
            "ss" => [0xF3],
            "sd" => [0xF2],
            "pd" => [0x66],
            _ => [],
        };
        if (name.StartsWith("cmp", StringComparison.Ordinal))
        {
            byte[] scalar = name[3..5] switch
            {
                "ss" => [0xF3],
                "sd" => [0xF2],
                "pd" => [0x66],
                _ => [],
            };
            return [.. scalar, 0x0F, 0xC2, 0xC1, (byte)(name[5] - '0')];
        }

        byte? opcode = name[..^2] switch
        {
            "sqrt" => 0x51,
            "add" => 0x58,
            "mul" => 0x59,
            "sub" => 0x5C,
            "min" => 0x5D,
            "div" => 0x5E,
            "max" => 0x5F,
            _ => null,
        };
        if (opcode is { } known)
        {
            return [.. prefix, 0x0F, known, 0xC1];
        }

        return name switch
        {
            "cvtps2pd" => [0x0F, 0x5A, 0xC1],
            "cvtpd2ps" => [0x66, 0x0F, 0x5A, 0xC1],
            "cvtss2sd" => [0xF3, 0x0F, 0x5A, 0xC1],
            "cvtsd2ss" => [0xF2, 0x0F, 0x5A, 0xC1],
            "cvtdq2ps" => [0x0F, 0x5B, 0xC1],
            "cvtps2dq" => [0x66, 0x0F, 0x5B, 0xC1],
            "cvttps2dq" => [0xF3, 0x0F, 0x5B, 0xC1],
            "cvttpd2dq" => [0x66, 0x0F, 0xE6, 0xC1],
            "cvtpd2dq" => [0xF2, 0x0F, 0xE6, 0xC1],
            "cvtdq2pd" => [0xF3, 0x0F, 0xE6, 0xC1],
            _ => null,
        };
    }

    private static IEnumerable<Record> Records()
    {
        using Stream stream = typeof(FloatHardwareTests).Assembly.GetManifestResourceStream("Emulator.Tests.Simd.hardware.txt.gz")!;
        using StreamReader reader = new(new GZipStream(stream, CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            yield return new Record(line);
        }
    }

    private sealed class Record
    {
        private readonly string _line;
        private readonly Vector128<byte> _result;
        private readonly uint _after;
        private readonly bool _trapped;

        public Record(string line)
        {
            _line = line;
            string[] field = line.Split(' ');
            Name = field[0];
            Mxcsr = uint.Parse(field[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            A = Register(field[2]);
            B = Register(field[3]);
            _result = Register(field[4]);
            _after = uint.Parse(field[5], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            _trapped = field[6] == "1";
        }

        public string Name { get; }

        public uint Mxcsr { get; }

        public Vector128<byte> A { get; }

        public Vector128<byte> B { get; }

        public void Check(Vector128<byte> result, uint mxcsr, bool trapped, List<string> failures)
        {
            if (trapped != _trapped || mxcsr != _after || (!trapped && result != _result))
            {
                failures.Add($"{_line}: got {result.AsUInt64()[1]:x16}{result.AsUInt64()[0]:x16} {mxcsr:x} {trapped}");
            }
        }

        private static Vector128<byte> Register(string hex) => Vector128.Create(
            ulong.Parse(hex.AsSpan(16), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            ulong.Parse(hex.AsSpan(0, 16), NumberStyles.HexNumber, CultureInfo.InvariantCulture)).AsByte();
    }
}
