using System.Buffers.Binary;

namespace Emulator.Devices.Storage.Images;

/// <summary>Counts the references to each cluster of a qcow2 image and compares them with its reference counts.</summary>
internal sealed class QcowChecker
{
    private const ulong Compressed = 1ul << 62;
    private const ulong Copied = 1ul << 63;
    private const ulong OffsetMask = 0x00FF_FFFF_FFFF_FE00;
    private const int MessageLimit = 100;

    private readonly HostFile _file;
    private readonly QcowHeader _header;
    private readonly QcowRefcounts _refcounts;
    private readonly uint[] _used;
    private readonly List<string> _messages = [];
    private long _errors;
    private long _allocated;

    public QcowChecker(HostFile file, QcowHeader header, QcowRefcounts refcounts)
    {
        _file = file;
        _header = header;
        _refcounts = refcounts;
        _used = new uint[(file.Length + header.ClusterSize - 1) >> header.ClusterBits];
        Use(0, "the header");
        foreach (long cluster in refcounts.OwnClusters)
        {
            Use(cluster, "reference counts");
        }

        for (long at = 0; at < header.L1Entries * 8L; at += header.ClusterSize)
        {
            Use((header.L1Offset + at) >> header.ClusterBits, "the first-level table");
        }
    }

    public void AddTables(ulong[] l1, Action<double>? progress)
    {
        byte[] table = new byte[_header.ClusterSize];
        for (int i = 0; i < l1.Length; i++)
        {
            progress?.Invoke((double)i / l1.Length);
            long offset = (long)(l1[i] & OffsetMask);
            if (offset == 0)
            {
                continue;
            }

            if (!Use(offset, l1[i], "a second-level table"))
            {
                continue;
            }

            _file.Read(offset, table);
            for (int j = 0; j < table.Length; j += 8)
            {
                AddEntry(BinaryPrimitives.ReadUInt64BigEndian(table.AsSpan(j)));
            }
        }
    }

    public ImageCheckResult Finish()
    {
        long leaks = 0;
        for (long cluster = 0; cluster < _used.Length; cluster++)
        {
            ulong count = _refcounts.Get(cluster);
            if (count < _used[cluster])
            {
                Error($"cluster {cluster} is used {_used[cluster]} times and counts {count}");
            }
            else if (count > _used[cluster])
            {
                leaks++;
                Say($"cluster {cluster} counts {count} and is used {_used[cluster]} times (leak)");
            }
        }

        return new ImageCheckResult(_errors, leaks, _allocated, _messages);
    }

    private void AddEntry(ulong entry)
    {
        if ((entry & Compressed) != 0)
        {
            _allocated++;
            int bits = 62 - (_header.ClusterBits - 8);
            long offset = (long)(entry & ((1ul << bits) - 1));
            long sectors = (long)((entry >> bits) & ((1ul << (_header.ClusterBits - 8)) - 1));
            long last = (offset & ~511L) + (sectors * 512) + 511;
            for (long cluster = offset >> _header.ClusterBits; cluster <= last >> _header.ClusterBits; cluster++)
            {
                Use(cluster, "a compressed cluster");
            }
        }
        else if ((entry & OffsetMask) != 0)
        {
            _allocated++;
            Use((long)(entry & OffsetMask), entry, "a cluster");
        }
    }

    private bool Use(long offset, ulong entry, string what)
    {
        if ((offset & (_header.ClusterSize - 1)) != 0)
        {
            Error($"{what} at {offset:X}h is not aligned");
            return false;
        }

        long cluster = offset >> _header.ClusterBits;
        if (!Use(cluster, what))
        {
            return false;
        }

        if ((entry & Copied) != 0 != (_refcounts.Get(cluster) == 1))
        {
            Error($"the copied flag of {what} at {offset:X}h is wrong");
        }

        return true;
    }

    private bool Use(long cluster, string what)
    {
        if (cluster >= _used.Length)
        {
            Error($"{what} lies behind the end of the file (cluster {cluster})");
            return false;
        }

        _used[cluster]++;
        return true;
    }

    private void Error(string message)
    {
        _errors++;
        Say(message);
    }

    private void Say(string message)
    {
        if (_messages.Count < MessageLimit)
        {
            _messages.Add(message);
        }
    }
}
