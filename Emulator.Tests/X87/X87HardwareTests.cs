using System.Globalization;
using System.IO.Compression;
using Emulator.Core.Semantics.X87;
using NUnit.Framework;

namespace Emulator.Tests.X87;

/// <summary>
/// The x87 semantics against a real processor (Intel Cascade Lake). Each line of hardware.txt.gz: operation, control word, first and
/// second operand, first and second result ("-" where an unmasked exception or C2 leaves none), status bits raised (hex; C1 of approximate operations is
/// left out). Operands lean towards NaNs, denormals, unsupported encodings, ties and the ends of the ranges.
/// </summary>
public sealed class X87HardwareTests
{
    [Test]
    public void Results_and_exceptions_equal_the_recorded_ones()
    {
        using var stream = typeof(X87HardwareTests).Assembly.GetManifestResourceStream("Emulator.Tests.X87.hardware.txt.gz")!;
        using var reader = new StreamReader(new GZipStream(stream, CompressionMode.Decompress));
        var failures = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            var field = line.Split(' ');
            var approximate = X87Operations.IsApproximate(field[0]);
            uint status = 0;
            var result = X87Operations.All[field[0]](Parse(field[2]), Parse(field[3]), Hex(field[1]), ref status);
            status &= approximate ? ~X87Status.C1 : uint.MaxValue;
            if (status != Hex(field[6]) || !Equal(field[4], result.First, approximate) || !Equal(field[5], result.Second, approximate))
            {
                failures.Add($"{line}: got {result.First} {result.Second} {status:X}");
            }

            seen.Add(field[0]);
        }

        Assert.Multiple(() =>
        {
            Assert.That(failures, Is.Empty);
            Assert.That(seen, Is.EquivalentTo(X87Operations.All.Keys));
        });
    }

    private static bool Equal(string expected, Float80 actual, bool approximate)
    {
        if (expected == "-")
        {
            return true;
        }

        var value = Parse(expected);
        return value == actual
            || (approximate && value.SignExponent == actual.SignExponent && value.Significand - actual.Significand + 1 <= 2);
    }

    private static uint Hex(string text) => uint.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static Float80 Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return new(
            ulong.Parse(text.AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            (ushort)Hex(text[..colon]));
    }
}
