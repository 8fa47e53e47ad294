using System.Globalization;

namespace Emulator.Tests.Robustness;

/// <summary>The seed of the tests with random input: fixed, or from the environment variable EMULATOR_FUZZ_SEED.</summary>
internal static class FuzzSeed
{
    /// <summary>The seed.</summary>
    public static int Value { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("EMULATOR_FUZZ_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out int seed) ? seed : 20260101;
}
