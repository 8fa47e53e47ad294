namespace Emulator.Devices.Loaders;

/// <summary>A file cannot be loaded into the machine; the message is one line that names the file and the reason.</summary>
public sealed class LoaderException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">File and reason, one line.</param>
    public LoaderException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">File and reason, one line.</param>
    /// <param name="inner">The cause.</param>
    public LoaderException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>Creates the exception.</summary>
    public LoaderException()
    {
    }
}
