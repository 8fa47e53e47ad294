using System.Globalization;
using System.IO.Compression;
using System.Runtime.Intrinsics;
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
        using var stream = typeof(FloatHardwareTests).Assembly.GetManifestResourceStream("Emulator.Tests.Simd.hardware.txt.gz")!;
        using var reader = new StreamReader(new GZipStream(stream, CompressionMode.Decompress));
        var failures = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            var field = line.Split(' ');
            var mxcsr = uint.Parse(field[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            uint raised = 0;
            var result = FloatOperations.All[field[0]](Register(field[2]), Register(field[3]), mxcsr, ref raised);
            var trapped = Mxcsr.Unmasked(mxcsr, raised) != 0;
            var after = (mxcsr | raised).ToString("x", CultureInfo.InvariantCulture);
            if (trapped != (field[6] == "1") || after != field[5] || (!trapped && result != Register(field[4])))
            {
                failures.Add($"{line}: got {result.AsUInt64()[1]:x16}{result.AsUInt64()[0]:x16} {after} {trapped}");
            }

            seen.Add(field[0]);
        }

        Assert.Multiple(() =>
        {
            Assert.That(failures, Is.Empty);
            Assert.That(seen, Is.EquivalentTo(FloatOperations.All.Keys));
        });
    }

    private static Vector128<byte> Register(string hex) => Vector128.Create(
        ulong.Parse(hex.AsSpan(16), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
        ulong.Parse(hex.AsSpan(0, 16), NumberStyles.HexNumber, CultureInfo.InvariantCulture)).AsByte();
}
