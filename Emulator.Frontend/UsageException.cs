namespace Emulator.Frontend;

/// <summary>A bad command line, file or configuration; the message is the one line that the user sees, and the status is 2.</summary>
public sealed class UsageException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">One line.</param>
    public UsageException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">One line.</param>
    /// <param name="inner">The cause.</param>
    public UsageException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>Creates the exception.</summary>
    public UsageException()
    {
    }
}
