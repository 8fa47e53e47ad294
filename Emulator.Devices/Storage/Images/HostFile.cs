using Microsoft.Win32.SafeHandles;

namespace Emulator.Devices.Storage.Images;

/// <summary>
/// A file of the host, read and written at offsets. While it is open for writing nobody else of this program can open it; while it is
/// open for reading, nobody can open it for writing. Every failure is a <see cref="StorageException"/> that names the file.
/// </summary>
internal sealed class HostFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    private HostFile(string path, SafeFileHandle handle, bool writable)
    {
        Path = path;
        _handle = handle;
        IsWritable = writable;
        Length = Guard(static h => RandomAccess.GetLength(h));
    }

    public string Path { get; }

    public bool IsWritable { get; }

    /// <summary>Bytes in the file.</summary>
    public long Length { get; private set; }

    /// <summary>Opens a file that exists.</summary>
    public static HostFile Open(string path, bool writable) => Open(path, FileMode.Open, writable, FileOptions.None);

    /// <summary>Creates a file, or empties one.</summary>
    public static HostFile Create(string path, bool overwrite) => Open(path, overwrite ? FileMode.Create : FileMode.CreateNew, writable: true, FileOptions.None);

    /// <summary>Creates a file that is gone when it is closed, or when the process ends.</summary>
    public static HostFile CreateTemporary(string directory)
    {
        string path;
        do
        {
            path = System.IO.Path.Combine(directory, System.IO.Path.GetRandomFileName());
        }
        while (File.Exists(path));

        HostFile file = Open(path, FileMode.CreateNew, writable: true, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows())
        {
            File.Delete(path); // the open file lives on without its name, so that nothing is left behind by a kill
        }

        return file;
    }

    /// <summary>Reads bytes; beyond the end of the file they are zero.</summary>
    public void Read(long offset, Span<byte> destination)
    {
        try
        {
            while (!destination.IsEmpty)
            {
                int count = RandomAccess.Read(_handle, destination, offset);
                if (count == 0)
                {
                    destination.Clear();
                    return;
                }

                destination = destination[count..];
                offset += count;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"{Path}: cannot be read: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>Writes bytes; the file grows when they end behind it.</summary>
    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        try
        {
            RandomAccess.Write(_handle, source, offset);
            Length = Math.Max(Length, offset + source.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new StorageException($"{Path}: cannot be written: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>Cuts the file, or makes it longer by zeros that take no room.</summary>
    public void SetLength(long length)
    {
        Guard(h =>
        {
            RandomAccess.SetLength(h, length);
            return 0L;
        });
        Length = length;
    }

    /// <summary>Makes what was written safe against a crash of the host.</summary>
    public void Flush()
    {
        if (IsWritable)
        {
            Guard(static h =>
            {
                RandomAccess.FlushToDisk(h);
                return 0L;
            });
        }
    }

    public void Dispose() => _handle.Dispose();

    private static HostFile Open(string path, FileMode mode, bool writable, FileOptions options)
    {
        if (path.Length == 0)
        {
            throw new StorageException("an empty file name was given for a disk image");
        }

        if (Directory.Exists(path))
        {
            throw new StorageException($"{path}: is a directory");
        }

        try
        {
            FileAccess access = writable ? FileAccess.ReadWrite : FileAccess.Read;
            return new HostFile(path, File.OpenHandle(path, mode, access, writable ? FileShare.None : FileShare.Read, options | FileOptions.RandomAccess), writable);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new StorageException($"{path}: no such file", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StorageException(writable ? $"{path}: permission denied; readonly=on and snapshot=on need no permission to write" : $"{path}: permission denied", e);
        }
        catch (IOException e) when (mode == FileMode.CreateNew && File.Exists(path))
        {
            throw new StorageException($"{path}: exists already", e);
        }
        catch (IOException e) when (IsLocked(e))
        {
            throw new StorageException($"{path}: is in use by another process or drive", e);
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            throw new StorageException($"{path}: cannot be opened: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>Sharing violations: EWOULDBLOCK of flock on Linux (11) and macOS (35), ERROR_SHARING_VIOLATION on Windows.</summary>
    private static bool IsLocked(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020);

    private T Guard<T>(Func<SafeFileHandle, T> action)
    {
        try
        {
            return action(_handle);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new StorageException($"{Path}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
