namespace Emulator.Devices.Storage.Ide;

/// <summary>
/// How long drives take, in virtual nanoseconds. They are constants, so that a run is the same run every time; the figures are those of a
/// fast drive on a bus that is not the bottleneck.
/// </summary>
internal static class IdeTiming
{
    /// <summary>From a command that reads or writes the medium to its first data.</summary>
    public const long Access = 20_000;

    /// <summary>From a command that needs no medium to its end or its first data.</summary>
    public const long Command = 2_000;

    /// <summary>From the last byte of a block of programmed I/O to the next block.</summary>
    public const long Block = 2_000;

    /// <summary>From the end of a software reset, or EXECUTE DEVICE DIAGNOSTIC, to the signature.</summary>
    public const long Reset = 50_000;

    /// <summary>Time of a bus-master transfer: 1 GB/s.</summary>
    public static long Dma(long bytes) => bytes;
}
