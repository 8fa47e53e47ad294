namespace Emulator.Devices.Storage;

/// <summary>A disk image cannot be opened, is damaged, or the host fails to read or write it; the message is one line that names the file.</summary>
public sealed class StorageException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">One line that names the file and the reason.</param>
    public StorageException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">One line that names the file and the reason.</param>
    /// <param name="inner">The cause.</param>
    public StorageException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>Creates the exception.</summary>
    public StorageException()
    {
    }
}
