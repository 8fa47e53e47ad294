using System.Buffers.Binary;

namespace Emulator.Devices.Storage.Ide;

/// <summary>The 2352 bytes of a mode 1 sector on a CD around its 2048 bytes of data (ECMA-130, sections 14 and 18, annex A).</summary>
internal static class CdSector
{
    public const int DataSize = 2048;
    public const int RawSize = 2352;
    public const int SyncSize = 12;
    public const int HeaderSize = 4;
    public const int CorrectionSize = RawSize - SyncSize - HeaderSize - DataSize;

    private const int DataStart = SyncSize + HeaderSize;
    private const int DetectionStart = DataStart + DataSize;
    private const int Columns = 43;
    private const int Rows = 24;
    private const int Diagonals = 26;
    private const int ProtectedWords = Columns * Diagonals;

    private static readonly byte[] Exp = BuildExp();
    private static readonly byte[] Log = BuildLog();
    private static readonly uint[] Crc = BuildCrc();

    /// <summary>Minute, second and frame of a sector, counted from the lead-in; in binary.</summary>
    public static (byte Minute, byte Second, byte Frame) Time(long lba)
    {
        const int FramesPerSecond = 75;
        const int LeadIn = 150;
        long frames = lba + LeadIn;
        return ((byte)(frames / (FramesPerSecond * 60)), (byte)(frames / FramesPerSecond % 60), (byte)(frames % FramesPerSecond));
    }

    /// <summary>Completes a sector whose data is in its place.</summary>
    public static void Complete(Span<byte> sector, long lba)
    {
        sector[..SyncSize].Fill(0xFF);
        sector[0] = sector[SyncSize - 1] = 0;
        (byte minute, byte second, byte frame) = Time(lba);
        sector[12] = Bcd(minute);
        sector[13] = Bcd(second);
        sector[14] = Bcd(frame);
        sector[15] = 1;

        uint crc = 0;
        foreach (byte b in sector[..DetectionStart])
        {
            crc = (crc >> 8) ^ Crc[(byte)(crc ^ b)];
        }

        BinaryPrimitives.WriteUInt32LittleEndian(sector[DetectionStart..], crc);
        sector.Slice(DetectionStart + 4, 8).Clear();
        Span<byte> words = sector[SyncSize..];
        for (int lane = 0; lane < 2; lane++)
        {
            for (int column = 0; column < Columns; column++)
            {
                AddParity(words, lane, column, Columns, Rows, Columns * Rows * 2, (Columns * (Rows + 1) * 2) - (Columns * Rows * 2), column);
            }

            for (int diagonal = 0; diagonal < Diagonals; diagonal++)
            {
                AddParity(words, lane, Columns * diagonal, Columns + 1, Columns, ProtectedWords * 2, Diagonals * 2, diagonal);
            }
        }
    }

    private static byte Bcd(int value) => (byte)((value / 10 % 10 << 4) | (value % 10));

    /// <summary>
    /// Two parity bytes p and q behind n data bytes, so that the sum of all is 0, and the sum weighted with falling powers of the generator,
    /// too: p + q = s0, αp + q = s1, hence p = (s0 + s1) / (α + 1).
    /// </summary>
    private static void AddParity(Span<byte> words, int lane, int first, int step, int count, int parity, int distance, int index)
    {
        int s0 = 0;
        int s1 = 0;
        for (int i = 0; i < count; i++)
        {
            byte value = words[(2 * ((first + (step * i)) % ProtectedWords)) + lane];
            s0 ^= value;
            s1 ^= Multiply(value, Exp[count + 1 - i]);
        }

        int p = Divide(s0 ^ s1, 3);
        words[parity + (2 * index) + lane] = (byte)p;
        words[parity + distance + (2 * index) + lane] = (byte)(s0 ^ p);
    }

    private static int Multiply(int a, int b) => a == 0 || b == 0 ? 0 : Exp[(Log[a] + Log[b]) % 255];

    private static int Divide(int a, int b) => a == 0 ? 0 : Exp[(Log[a] + 255 - Log[b]) % 255];

    /// <summary>Powers of the generator in the field with the polynomial x^8 + x^4 + x^3 + x^2 + 1.</summary>
    private static byte[] BuildExp()
    {
        byte[] table = new byte[256];
        int value = 1;
        for (int i = 0; i < 256; i++)
        {
            table[i] = (byte)value;
            value <<= 1;
            value ^= value > 0xFF ? 0x11D : 0;
        }

        return table;
    }

    private static byte[] BuildLog()
    {
        byte[] table = new byte[256];
        for (int i = 0; i < 255; i++)
        {
            table[Exp[i]] = (byte)i;
        }

        return table;
    }

    private static uint[] BuildCrc()
    {
        uint[] table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
            {
                value = (value >> 1) ^ ((value & 1) != 0 ? 0xD8018001 : 0);
            }

            table[i] = value;
        }

        return table;
    }
}
