using Emulator.Devices;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Ide;
using Emulator.Devices.Storage.Images;
using Emulator.Tests.Devices;

namespace Emulator.Tests.Storage;

/// <summary>A board with drives, set up as firmware does, and driven through ports as a guest would.</summary>
internal sealed class IdeBoard
{
    public const ushort BusMaster = Piix3Ide.DefaultBase;
    public const uint Table = 0x10000;
    public const uint Data = 0x20000;

    public IdeBoard(params Drive[] drives)
        : this(new Board(Board.DefaultConfig with { Drives = drives }))
    {
    }

    public IdeBoard(Board board, bool prepare = true)
    {
        Board = board;
        if (prepare)
        {
            board.Machine.PrepareDirectBoot();
            board.InitializePics();
        }
    }

    public Board Board { get; }

    /// <summary>First command block port of the channel in use.</summary>
    public ushort Port { get; set; } = 0x1F0;

    public byte Status => Board.In((ushort)(Port + 7));

    public byte AlternateStatus => Board.In((ushort)(Port + 0x206));

    public byte Error => Board.In((ushort)(Port + 1));

    public static Drive Disk(int index, byte[] data, bool readOnly = false) =>
        new(new DriveOptions { Index = index, File = null, Media = DriveMedia.Disk }, new MemoryImage(data, readOnly));

    /// <summary>Sectors whose bytes tell their number and place.</summary>
    public static byte[] Pattern(int sectors)
    {
        byte[] data = new byte[sectors * 512];
        for (int i = 0; i < data.Length; i++)
        {
            data[i] = (byte)((i >> 9) + (i * 7) + (i >> 16));
        }

        return data;
    }

    public IdeBoard Clone() => new(Board.Clone(), prepare: false) { Port = Port };

    public void Register(int register, int value) => Board.Out((ushort)(Port + register), value);

    public byte Register(int register) => Board.In((ushort)(Port + register));

    public void Lba28(long lba, int count, int unit = 0)
    {
        Register(6, 0xE0 | (unit << 4) | (int)(lba >> 24));
        Register(2, count & 0xFF);
        Register(3, (byte)lba);
        Register(4, (byte)(lba >> 8));
        Register(5, (byte)(lba >> 16));
    }

    public void Lba48(long lba, int count, int unit = 0)
    {
        Register(6, 0x40 | (unit << 4));
        Register(2, (byte)(count >> 8));
        Register(3, (byte)(lba >> 24));
        Register(4, (byte)(lba >> 32));
        Register(5, (byte)(lba >> 40));
        Register(2, (byte)count);
        Register(3, (byte)lba);
        Register(4, (byte)(lba >> 8));
        Register(5, (byte)(lba >> 16));
    }

    public void Command(int command) => Register(7, command);

    /// <summary>Lets time pass until BSY is clear; returns the alternate status.</summary>
    public byte Wait()
    {
        for (int i = 0; i < 1000 && (AlternateStatus & 0x80) != 0; i++)
        {
            if (Board.Machine.Events.NextDue == long.MaxValue)
            {
                return AlternateStatus;
            }

            Board.AdvanceTo(Math.Max(Board.Machine.Events.NextDue, Board.Now));
        }

        return AlternateStatus;
    }

    public byte[] ReadData(int bytes, int size = 2)
    {
        byte[] data = new byte[bytes];
        for (int i = 0; i < bytes; i += size)
        {
            uint value = Board.In(Port, size);
            for (int j = 0; j < size; j++)
            {
                data[i + j] = (byte)(value >> (8 * j));
            }
        }

        return data;
    }

    public void WriteData(ReadOnlySpan<byte> data, int size = 2)
    {
        for (int i = 0; i < data.Length; i += size)
        {
            uint value = 0;
            for (int j = 0; j < size; j++)
            {
                value |= (uint)data[i + j] << (8 * j);
            }

            Board.Out(Port, size, value);
        }
    }

    /// <summary>Whether the channel's interrupt is requested; acknowledges it in the controllers.</summary>
    public bool TakeInterrupt()
    {
        if (!Board.Interrupting)
        {
            return false;
        }

        byte vector = Board.Acknowledge();
        Board.Out(0xA0, 0x20);
        Board.Out(0x20, 0x20);
        return vector == (Port == 0x1F0 ? 0x76 : 0x77);
    }

    public void Prd(int index, uint address, int bytes, bool last)
    {
        Board.Machine.Memory.Write(Table + (uint)(8 * index), address);
        Board.Machine.Memory.Write(Table + (uint)(8 * index) + 4, (uint)(bytes & 0xFFFF) | (last ? 0x80000000u : 0));
    }

    public ushort Bm => (ushort)(BusMaster + (Port == 0x1F0 ? 0 : 8));

    public void StartDma(bool toMemory)
    {
        Board.Out((ushort)(Bm + 4), 4, Table);
        Board.Out((ushort)(Bm + 2), 0x66);
        Board.Out(Bm, toMemory ? 0x09 : 0x01);
    }

    public byte StopDma()
    {
        byte status = Board.In((ushort)(Bm + 2));
        Board.Out(Bm, 0);
        return status;
    }

    public byte[] Memory(uint address, int bytes)
    {
        byte[] data = new byte[bytes];
        Board.Machine.Memory.ReadBlock(address, data);
        return data;
    }
}
