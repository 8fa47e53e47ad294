namespace Emulator.Core.Snapshot;

/// <summary>One named part of a snapshot file.</summary>
/// <param name="Name">Name, unique in the file.</param>
/// <param name="Version">Version of its contents.</param>
/// <param name="Length">Bytes of its contents, unpacked.</param>
public sealed record SnapshotChunk(string Name, int Version, long Length)
{
    /// <summary>Where the stored bytes start in the file.</summary>
    internal long Position { get; init; }

    /// <summary>How many bytes are stored.</summary>
    internal long StoredLength { get; init; }

    /// <summary>Whether they are packed with Brotli.</summary>
    internal bool IsPacked { get; init; }
}
