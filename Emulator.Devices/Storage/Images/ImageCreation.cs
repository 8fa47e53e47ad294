namespace Emulator.Devices.Storage.Images;

/// <summary>What a new image is like beyond format and size. Chance and time come from the caller.</summary>
public sealed record ImageCreation
{
    /// <summary>Identification of a VMDK or VHD.</summary>
    public Guid Id { get; init; }

    /// <summary>Time of creation (UTC), which a VHD carries.</summary>
    public DateTime Time { get; init; } = PcMachineConfig.DefaultRtcBase;

    /// <summary>Backing file of a qcow2 image, as the image will name it.</summary>
    public string? BackingFile { get; init; }

    /// <summary>Format of the backing file.</summary>
    public string? BackingFormat { get; init; }

    /// <summary>Whether all room is taken at once: a fixed VHD, a monolithicFlat VMDK.</summary>
    public bool IsFlat { get; init; }

    /// <summary>Whether a file that exists is replaced.</summary>
    public bool Overwrite { get; init; }
}
