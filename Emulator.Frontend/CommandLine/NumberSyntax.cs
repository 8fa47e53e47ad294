using System.Globalization;

namespace Emulator.Frontend.CommandLine;

/// <summary>Numbers as the command line spells them.</summary>
internal static class NumberSyntax
{
    /// <summary>A size as QEMU's <c>-m</c>: MiB, or with a suffix B, K, M or G (binary).</summary>
    public static bool TrySize(string text, long plainUnit, out long bytes)
    {
        bytes = 0;
        if (text.Length == 0)
        {
            return false;
        }

        long unit = char.ToUpperInvariant(text[^1]) switch
        {
            'B' => 1,
            'K' => 1L << 10,
            'M' => 1L << 20,
            'G' => 1L << 30,
            _ => 0,
        };
        ReadOnlySpan<char> digits = unit == 0 ? text : text.AsSpan(0, text.Length - 1);
        unit = unit == 0 ? plainUnit : unit;
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long value) || value > long.MaxValue / unit)
        {
            return false;
        }

        bytes = value * unit;
        return true;
    }

    /// <summary>A number up to a maximum, decimal or with 0x.</summary>
    public static bool TryNumber(string text, ulong maximum, out ulong value)
    {
        bool valid = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
        return valid && value <= maximum;
    }

    /// <summary>A count of instructions: digits, and a suffix k, M or G for thousands, millions and billions.</summary>
    public static bool TryCount(string text, out long count)
    {
        count = 0;
        if (text.Length == 0)
        {
            return false;
        }

        long unit = text[^1] switch
        {
            'k' or 'K' => 1_000,
            'm' or 'M' => 1_000_000,
            'g' or 'G' => 1_000_000_000,
            _ => 0,
        };
        ReadOnlySpan<char> digits = unit == 0 ? text : text.AsSpan(0, text.Length - 1);
        unit = Math.Max(unit, 1);
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long value) || value > long.MaxValue / unit)
        {
            return false;
        }

        count = value * unit;
        return true;
    }
}
