namespace Emulator.Devices.Storage.Ide;

/// <summary>What IDENTIFY DEVICE tells of a disk.</summary>
internal readonly record struct AtaIdentity
{
    public int Unit { get; init; }

    public long Sectors { get; init; }

    public int DefaultCylinders { get; init; }

    public int DefaultHeads { get; init; }

    public int DefaultSectors { get; init; }

    public int Cylinders { get; init; }

    public int Heads { get; init; }

    public int SectorsPerTrack { get; init; }

    public int MaximumMultiple { get; init; }

    public int Multiple { get; init; }

    public byte TransferMode { get; init; }

    public bool WriteCache { get; init; }

    public bool ReadAhead { get; init; }

    public bool Smart { get; init; }
}
