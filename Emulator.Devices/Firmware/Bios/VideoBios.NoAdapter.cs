using Emulator.Core.Cpu;

namespace Emulator.Devices.Firmware.Bios;

/// <content>INT 10h of a machine without a display adapter: a text screen that nobody sees, and COM1 for what is written to it.</content>
internal sealed unsafe partial class VideoBios
{
    private const int SerialColumns = 80;
    private const int SerialRows = 25;
    private const ushort SerialData = 0x3F8;
    private const ushort SerialStatus = 0x3FD;
    private const byte TransmitterEmpty = 0x20;

    private static void DescribeText(ref BiosCall c)
    {
        c.Write8(VideoData.Mode, 3);
        c.Write16(VideoData.Columns, SerialColumns);
        c.Write16(VideoData.PageSize, 0x1000);
        c.Write16(VideoData.CursorShape, DefaultCursor);
        c.Write16(VideoData.CrtcPort, PortCrtcColor);
        c.Write8(VideoData.LastRow, SerialRows - 1);
        c.Write16(VideoData.CharacterHeight, 16);
    }

    private void RunWithoutAdapter(ref BiosCall c)
    {
        switch (c.Ah)
        {
            case 0x00:
                ResetScreen(ref c);
                break;
            case 0x01:
                c.Write16(VideoData.CursorShape, c.Cx);
                break;
            case 0x02:
                c.Write16(Cursor(c.Bh), c.Dx);
                break;
            case 0x03:
                c.Dx = c.Read16(Cursor(c.Bh));
                c.Cx = c.Read16(VideoData.CursorShape);
                break;
            case 0x08:
                c.Ax = BlankCharacter | 0x0700;
                break;
            case 0x0E:
                WriteSerial(ref c, c.Al);
                break;
            case 0x0F:
                c.Al = 3;
                c.Ah = SerialColumns;
                c.Bh = 0;
                break;
            case 0x13:
                WriteStringSerial(ref c);
                break;
            default:
                break;
        }
    }

    private void WriteStringSerial(ref BiosCall c)
    {
        int size = (c.Al & 2) != 0 ? 2 : 1;
        uint address = c.Linear(SegmentIndex.Es, c.Bp);
        byte[] text = new byte[c.Cx * size];
        if (!c.Check(address, (uint)text.Length, write: false))
        {
            return;
        }

        c.ReadBytes(address, text);
        for (int i = 0; i < text.Length; i += size)
        {
            WriteSerial(ref c, text[i]);
        }
    }

    /// <summary>Sends a character, after what the port still has to send, and moves the cursor as a screen of 25 rows would.</summary>
    private void WriteSerial(ref BiosCall c, byte character)
    {
        if (_serial is not null)
        {
            if ((In(SerialStatus) & TransmitterEmpty) == 0)
            {
                _serial.Drain();
            }

            Out(SerialData, character);
        }

        ushort cursor = c.Read16(Cursor(0));
        int row = Math.Min(cursor >> 8, SerialRows - 1);
        int column = cursor & 0xFF;
        switch (character)
        {
            case Bell:
                break;
            case Backspace:
                column = Math.Max(0, column - 1);
                break;
            case CarriageReturn:
                column = 0;
                break;
            case LineFeed:
                row = Math.Min(row + 1, SerialRows - 1);
                break;
            default:
                if (++column >= SerialColumns)
                {
                    column = 0;
                    row = Math.Min(row + 1, SerialRows - 1);
                }

                break;
        }

        c.Write16(Cursor(0), (ushort)((row << 8) | column));
    }
}
