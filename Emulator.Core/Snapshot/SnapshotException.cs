namespace Emulator.Core.Snapshot;

/// <summary>A snapshot cannot be loaded; the message says why, in one line, and the machine is as before.</summary>
public sealed class SnapshotException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">The reason.</param>
    public SnapshotException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">The reason.</param>
    /// <param name="inner">The cause.</param>
    public SnapshotException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>Creates the exception.</summary>
    public SnapshotException()
    {
    }
}
