namespace Emulator.Core.Semantics.X87;

/// <summary>FBLD and FBSTP: 18 packed decimal digits with a sign byte.</summary>
public static class X87Decimal
{
    private const ulong Limit = 1_000_000_000_000_000_000;

    /// <summary>
    /// The value of ten bytes of packed decimal: <paramref name="low"/> holds digits 15..0, <paramref name="high"/> digits 17 and 16 in
    /// its low byte and the sign in bit 15. Digits above 9 count with their binary value, as the hardware does it.
    /// </summary>
    public static Float80 FromPacked(ulong low, ushort high)
    {
        ulong magnitude = 0;
        for (var shift = 4; shift >= 0; shift -= 4)
        {
            magnitude = (magnitude * 10) + ((uint)(high >> shift) & 15);
        }

        for (var shift = 60; shift >= 0; shift -= 4)
        {
            magnitude = (magnitude * 10) + ((low >> shift) & 15);
        }

        return X87Convert.FromMagnitude(high & 0x8000u, magnitude);
    }

    /// <summary>
    /// Ten bytes of packed decimal for <paramref name="value"/>, rounded as rounding control says; out of range raises #I and gives the
    /// indefinite FFFFC000000000000000h.
    /// </summary>
    public static ulong ToPacked(Float80 value, uint control, ref uint status, out ushort high)
    {
        var kind = X87Operand.Classify(value);
        if (kind >= Float80Class.Infinity || !X87Convert.TryRoundMagnitude(value, control, out var magnitude, out var inexact, out var up)
            || magnitude >= Limit)
        {
            status |= X87Status.Invalid;
            high = 0xFFFF;
            return 0xC000_0000_0000_0000;
        }

        if (inexact)
        {
            status |= X87Status.Precision | (up ? X87Status.C1 : 0);
        }

        ulong low = 0;
        for (var shift = 0; shift < 64; shift += 4)
        {
            var tenth = magnitude / 10;
            low |= (magnitude - (tenth * 10)) << shift;
            magnitude = tenth;
        }

        high = (ushort)(value.Sign | (uint)(((magnitude / 10) << 4) | (magnitude % 10)));
        return low;
    }
}
