namespace Emulator.Devices.Timers;

/// <summary>
/// Exact conversion between virtual nanoseconds and the ticks of a clock of integer frequency that started at time 0. A whole number of
/// ticks fits into a second, so seconds and the rest are converted apart: no rounding error accumulates and nothing overflows.
/// </summary>
public static class Frequency
{
    /// <summary>Nanoseconds in a second.</summary>
    public const long Second = 1_000_000_000;

    /// <summary>Ticks that have happened by a time: floor(<paramref name="time"/> * <paramref name="hertz"/> / 10^9).</summary>
    /// <param name="time">Virtual nanoseconds, not negative.</param>
    /// <param name="hertz">Frequency, up to 9 GHz.</param>
    public static long TicksAt(long time, long hertz)
    {
        (long seconds, long rest) = Math.DivRem(time, Second);
        return (seconds * hertz) + (rest * hertz / Second);
    }

    /// <summary>First virtual nanosecond at which a tick has happened; <see cref="long.MaxValue"/> beyond the end of time.</summary>
    /// <param name="tick">Tick number, not negative.</param>
    /// <param name="hertz">Frequency, up to 9 GHz.</param>
    public static long TimeOf(long tick, long hertz)
    {
        (long seconds, long rest) = Math.DivRem(tick, hertz);
        return seconds >= long.MaxValue / Second ? long.MaxValue : (seconds * Second) + (((rest * Second) + hertz - 1) / hertz);
    }
}
