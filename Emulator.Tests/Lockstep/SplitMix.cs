namespace Emulator.Tests.Lockstep;

/// <summary>The SplitMix64 generator: the same seed gives the same numbers on every host.</summary>
internal sealed class SplitMix(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>A number below a bound.</summary>
    public int Below(int bound) => (int)((Next() >> 33) * (ulong)bound >> 31);

    public bool OneIn(int n) => Below(n) == 0;

    public T Pick<T>(ReadOnlySpan<T> choices) => choices[Below(choices.Length)];
}
