namespace Emulator.Devices.Loaders;

/// <summary>A host file read whole: a kernel, an initial RAM disk, a ROM image. Its contents are untrusted.</summary>
/// <param name="Name">Name for messages, as the user gave it.</param>
/// <param name="Data">Contents, never empty when read by <see cref="Read"/>.</param>
public sealed record GuestFile(string Name, byte[] Data)
{
    /// <summary>Reads a file.</summary>
    /// <param name="path">Path.</param>
    /// <param name="maximum">Most bytes that make sense (the RAM of the machine, the size of a ROM window).</param>
    /// <exception cref="LoaderException">It is missing, a directory, unreadable, empty or larger than the maximum.</exception>
    public static GuestFile Read(string path, long maximum)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Length == 0)
        {
            throw new LoaderException("an empty file name was given");
        }

        if (Directory.Exists(path))
        {
            throw new LoaderException($"{path}: is a directory");
        }

        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
            return new GuestFile(path, ReadAll(stream, path, Math.Min(maximum, Array.MaxLength)));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new LoaderException($"{path}: no such file", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new LoaderException($"{path}: permission denied", e);
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            throw new LoaderException($"{path}: cannot be read: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private static byte[] ReadAll(FileStream stream, string path, long maximum)
    {
        if (stream.CanSeek && stream.Length > maximum)
        {
            throw new LoaderException($"{path}: is {stream.Length} bytes, more than the {maximum} that fit");
        }

        // A pipe or a device has no length, and a file may grow while it is read.
        byte[] data = new byte[stream.CanSeek && stream.Length > 0 ? stream.Length : Math.Min(maximum, 65536)];
        int used = 0;
        while (true)
        {
            if (used == data.Length)
            {
                int extra = stream.ReadByte();
                if (extra < 0)
                {
                    break;
                }

                if (used >= maximum)
                {
                    throw new LoaderException($"{path}: is more than the {maximum} bytes that fit");
                }

                Array.Resize(ref data, (int)Math.Min(maximum, Math.Max(used * 2L, used + 65536L)));
                data[used++] = (byte)extra;
            }

            int count = stream.Read(data, used, data.Length - used);
            if (count == 0)
            {
                break;
            }

            used += count;
        }

        if (used == 0)
        {
            throw new LoaderException($"{path}: is empty");
        }

        Array.Resize(ref data, used);
        return data;
    }
}
