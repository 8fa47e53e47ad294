using System.Security.Cryptography;
using Emulator.Core.Cpu;
using Emulator.Core.Memory;

namespace Emulator.Frontend.Reporting;

/// <summary>
/// One line for the state of a machine at an instruction count, to compare the histories of two runs: the number of retired instructions, and
/// a hash of all that <c>--dump-state</c> shows; at every 64th line also one of the RAM.
/// </summary>
public static class StateHash
{
    /// <summary>Retired instructions between two lines.</summary>
    public const long Interval = 1_000_000;

    private const long RamInterval = 64 * Interval;
    private const int PartLength = 1 << 20;

    /// <summary>The line of a CPU's state now.</summary>
    /// <param name="cpu">The CPU.</param>
    public static string Line(CpuCore cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        using MemoryStream state = new();
        StateDump.WriteJson(cpu, state);
        string line = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{cpu.Retired,15} {Short(SHA256.HashData(state.ToArray()))}");
        return cpu.Retired % RamInterval == 0 ? $"{line} {Short(HashRam(cpu.Memory))}" : line;
    }

    private static string Short(byte[] hash) => Convert.ToHexStringLower(hash.AsSpan(0, 8));

    private static unsafe byte[] HashRam(PhysicalMemory memory)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long at = 0; at < memory.RamSize; at += PartLength)
        {
            int length = (int)Math.Min(PartLength, memory.RamSize - at);
            hash.AppendData(new ReadOnlySpan<byte>(memory.Ram + at, length));
        }

        return hash.GetHashAndReset();
    }
}
