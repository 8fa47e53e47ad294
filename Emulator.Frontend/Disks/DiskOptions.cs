namespace Emulator.Frontend.Disks;

/// <summary>The options of <c>emu disk</c>.</summary>
internal sealed record DiskOptions
{
    public string? Format { get; init; }

    public string? TargetFormat { get; init; }

    public bool IsFlat { get; init; }

    public bool Force { get; init; }

    public bool Json { get; init; }
}
