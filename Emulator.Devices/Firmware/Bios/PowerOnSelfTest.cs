using System.Buffers.Binary;
using Emulator.Core.Cpu;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>What happens between reset and the first option ROM: the board's chips, the vectors, the data areas and the tables.</summary>
internal sealed class PowerOnSelfTest
{
    private const int CmosShutdown = 0x0F;
    private const byte JumpWithAcknowledgement = 0x05;
    private const byte Jump = 0x0A;
    private const int VectorCount = 256;
    private const ushort KeyboardBufferStart = 0x1E;
    private const ushort KeyboardBufferEnd = 0x3E;

    private static readonly ushort[] SerialPorts = [0x3F8, 0x2F8, 0x3E8, 0x2E8];

    private readonly PcMachine _machine;
    private readonly BiosDrives _drives;
    private readonly OptionRoms _optionRoms;
    private readonly VideoBios _video;

    public PowerOnSelfTest(PcMachine machine, BiosDrives drives, OptionRoms optionRoms, VideoBios video)
    {
        _optionRoms = optionRoms;
        _machine = machine;
        _drives = drives;
        _video = video;
    }

    /// <summary>Runs it; live CF says that the shutdown byte of CMOS asks for a jump through 0040:0067 instead, AL with what.</summary>
    public void Run(ref BiosCall call)
    {
        byte shutdown = _machine.Rtc.ReadCmos(CmosShutdown);
        _machine.Rtc.WriteCmos(CmosShutdown, 0);
        PrepareInterrupts();
        if (shutdown is JumpWithAcknowledgement or Jump)
        {
            call.Al = shutdown == JumpWithAcknowledgement ? (byte)1 : (byte)0;
            call.SetLiveCarry(true);
            return;
        }

        _machine.PrepareForFirmware();
        PrepareTimer();
        WriteVectors(ref call);
        WriteData(ref call);
        _drives.Post(ref call);
        _video.Initialize(ref call);
        _optionRoms.Post(ref call);
    }

    /// <summary>The 8259 pair: vectors 08h and 70h; timer, keyboard, cascade, floppy disk, clock, mouse and disks enabled.</summary>
    private void PrepareInterrupts()
    {
        Out(0x20, 0x11);
        Out(0x21, 0x08);
        Out(0x21, 0x04);
        Out(0x21, 0x01);
        Out(0xA0, 0x11);
        Out(0xA1, 0x70);
        Out(0xA1, 0x02);
        Out(0xA1, 0x01);
        Out(0x21, 0xB8);
        Out(0xA1, 0x0E);
    }

    /// <summary>Counter 0 at 18.2 Hz, counter 1 as memory refresh has it.</summary>
    private void PrepareTimer()
    {
        Out(0x43, 0x36);
        Out(0x40, 0x00);
        Out(0x40, 0x00);
        Out(0x43, 0x54);
        Out(0x41, 0x12);
    }

    private void Out(ushort port, byte value) => _machine.Ports.Write(port, 1, value);

    private static void WriteVectors(ref BiosCall call)
    {
        Span<byte> table = stackalloc byte[VectorCount * 4];
        for (int vector = 0; vector < VectorCount; vector++)
        {
            ushort offset = vector switch
            {
                >= 0x60 and <= 0x67 => 0, // free for users, who look for 0
                >= 0x78 => 0,
                _ => Handler(vector),
            };
            Span<byte> entry = table.Slice(vector * 4, 4);
            BinaryPrimitives.WriteUInt16LittleEndian(entry, offset);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], offset == 0 ? (ushort)0 : BiosRom.Segment);
        }

        call.WriteBytes(0, table);
    }

    private static ushort Handler(int vector) => vector switch
    {
        0x02 => 0xE2C3,
        0x05 => 0xFF54,
        0x08 => 0xFEA5,
        0x09 => 0xE987,
        0x0E => 0xEF57,
        >= 0x0A and <= 0x0F or 0x72 or 0x73 or 0x77 => BiosRom.Offset(BiosRom.Entry.UnexpectedIrq),
        0x10 => 0xF045,
        0x11 => 0xF84D,
        0x12 => 0xF841,
        0x13 => 0xE3FE,
        0x14 => 0xE739,
        0x15 => 0xF859,
        0x16 => 0xE82E,
        0x17 => 0xEFD2,
        0x18 => BiosRom.Offset(BiosRom.Entry.Int18),
        0x19 => 0xE6F2,
        0x1A => 0xFE6E,
        0x1D => BiosRom.VideoParameters,
        0x1E => BiosRom.DisketteParameters,
        0x1F => BiosRom.Font,
        0x40 => 0xEC59,
        0x70 => BiosRom.Offset(BiosRom.Entry.Int70),
        0x71 => BiosRom.Offset(BiosRom.Entry.Int71),
        0x74 => BiosRom.Offset(BiosRom.Entry.Int74),
        0x75 => BiosRom.Offset(BiosRom.Entry.Int75),
        0x76 => BiosRom.Offset(BiosRom.Entry.Int76),
        _ => BiosRom.Offset(BiosRom.Entry.Dummy),
    };

    private void WriteData(ref BiosCall call)
    {
        ushort resetFlag = call.Read16(BiosData.ResetFlag);
        call.WriteBytes(BiosData.Start, stackalloc byte[(int)BiosData.Length]);
        call.WriteBytes(BiosData.Extended, stackalloc byte[(int)BiosData.ExtendedLength]);
        call.Write8(BiosData.ExtendedSize, 1);
        call.Write16(BiosData.ResetFlag, resetFlag == BiosData.WarmBoot ? resetFlag : (ushort)0);
        call.Write16(BiosData.ExtendedSegment, BiosData.ExtendedParagraph);
        call.Write16(BiosData.MemorySize, BiosData.BaseMemory);
        for (int i = 0; i < _machine.Serial.Count; i++)
        {
            call.Write16(BiosData.SerialPorts + (uint)(2 * i), SerialPorts[i]);
            call.Write8(BiosData.SerialTimeouts + (uint)i, 1);
            call.Write8(BiosData.ParallelTimeouts + (uint)i, 0x14);
        }

        // Floppy drives as CMOS has them; 80 by 25 characters in color; the coprocessor; the pointing device; serial ports.
        byte setup = _machine.Rtc.ReadCmos(0x14);
        call.Write16(BiosData.Equipment, (ushort)((setup & 0xC1) | 0x26 | (_machine.Serial.Count << 9)));
        call.Write16(BiosData.KeyboardStart, KeyboardBufferStart);
        call.Write16(BiosData.KeyboardEnd, KeyboardBufferEnd);
        call.Write16(BiosData.KeyboardHead, KeyboardBufferStart);
        call.Write16(BiosData.KeyboardTail, KeyboardBufferStart);
        call.Write8(BiosData.KeyboardFlags3, 0x10);
        call.Write32(BiosData.Ticks, TimeServices.TicksAt(_machine.Rtc.Date));
    }
}
