namespace Emulator.Frontend.Running;

/// <summary>Files that the program writes; every failure is one line and status 2.</summary>
internal static class OutputFile
{
    /// <summary>Opens a file for writing.</summary>
    /// <param name="path">Path.</param>
    /// <param name="append">Whether what it holds stays.</param>
    /// <exception cref="UsageException">It cannot be written.</exception>
    public static FileStream Open(string path, bool append = false)
    {
        if (path.Length == 0)
        {
            throw new UsageException("an empty file name was given");
        }

        if (Directory.Exists(path))
        {
            throw new UsageException($"{path}: is a directory");
        }

        try
        {
            return new FileStream(path, append ? FileMode.Append : FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 16);
        }
        catch (Exception e) when (IsFailure(e))
        {
            throw Failed(path, e);
        }
    }

    /// <summary>Writes a whole file, or standard output for the name "-".</summary>
    /// <param name="path">Path.</param>
    /// <param name="write">Writes the contents.</param>
    /// <exception cref="UsageException">It cannot be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        try
        {
            using Stream stream = path == "-" ? Console.OpenStandardOutput() : Open(path);
            write(stream);
        }
        catch (Exception e) when (IsFailure(e))
        {
            throw Failed(path, e);
        }
    }

    /// <summary>Checks before a long run that a file can be created at its end.</summary>
    /// <param name="path">Path, or null.</param>
    /// <exception cref="UsageException">It cannot.</exception>
    public static void CheckPlace(string? path)
    {
        if (path is null or "-")
        {
            return;
        }

        if (path.Length == 0)
        {
            throw new UsageException("an empty file name was given");
        }

        if (Directory.Exists(path))
        {
            throw new UsageException($"{path}: is a directory");
        }

        string? folder = Path.GetDirectoryName(Path.GetFullPath(path));
        if (folder is not null && !Directory.Exists(folder))
        {
            throw new UsageException($"{path}: the folder does not exist");
        }
    }

    private static bool IsFailure(Exception e) => e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;

    private static UsageException Failed(string path, Exception e) => new($"{path}: cannot be written: {e.Message.ReplaceLineEndings(" ")}", e);
}
