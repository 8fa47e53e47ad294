namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// The BIOS data area at 0040:0000 and the extended one in the last KiB below 640 KiB, by linear address. Everything that the firmware
/// remembers is here or in the devices, so that a saved machine needs nothing else. Names follow the IBM PC/AT and PS/2 technical references.
/// </summary>
internal static class BiosData
{
    public const uint Start = 0x400;
    public const uint Length = 0x110;
    public const ushort Segment = 0x40;

    public const uint SerialPorts = Start;
    public const uint ParallelPorts = Start + 0x08;
    public const uint ExtendedSegment = Start + 0x0E;
    public const uint Equipment = Start + 0x10;
    public const uint MemorySize = Start + 0x13;
    public const uint KeyboardFlags = Start + 0x17;
    public const uint KeyboardFlags2 = Start + 0x18;
    public const uint KeyboardAltNumber = Start + 0x19;
    public const uint KeyboardHead = Start + 0x1A;
    public const uint KeyboardTail = Start + 0x1C;
    public const uint KeyboardBuffer = Start + 0x1E;
    public const uint FloppyRecalibrate = Start + 0x3E;
    public const uint FloppyMotor = Start + 0x3F;
    public const uint FloppyMotorCount = Start + 0x40;
    public const uint FloppyStatus = Start + 0x41;
    public const uint FloppyResult = Start + 0x42;
    public const uint LastUnexpectedIrq = Start + 0x6B;
    public const uint Ticks = Start + 0x6C;
    public const uint Midnight = Start + 0x70;
    public const uint BreakFlag = Start + 0x71;
    public const uint ResetFlag = Start + 0x72;
    public const uint DiskStatus = Start + 0x74;
    public const uint DiskCount = Start + 0x75;
    public const uint ParallelTimeouts = Start + 0x78;
    public const uint SerialTimeouts = Start + 0x7C;
    public const uint KeyboardStart = Start + 0x80;
    public const uint KeyboardEnd = Start + 0x82;
    public const uint FloppyRate = Start + 0x8B;
    public const uint DiskInterrupt = Start + 0x8E;
    public const uint FloppyInfo = Start + 0x8F;
    public const uint FloppyMedia = Start + 0x90;
    public const uint FloppyTrack = Start + 0x94;
    public const uint KeyboardFlags3 = Start + 0x96;
    public const uint KeyboardLights = Start + 0x97;
    public const uint WaitFlagPointer = Start + 0x98;
    public const uint WaitMicroseconds = Start + 0x9C;
    public const uint WaitActive = Start + 0xA0;
    public const uint PrintScreenStatus = 0x500;

    /// <summary>Bits of the warm boot word: memory is not tested again.</summary>
    public const ushort WarmBoot = 0x1234;

    /// <summary>Paragraph of the extended area.</summary>
    public const ushort ExtendedParagraph = 0x9FC0;

    public const uint Extended = (uint)ExtendedParagraph << 4;
    public const uint ExtendedLength = 0x400;

    /// <summary>KiB of base memory, less the extended area.</summary>
    public const int BaseMemory = 639;

    // The extended area: its size in KiB, then what the PS/2 keeps for the pointing device.
    public const uint ExtendedSize = Extended;
    public const uint MouseHandler = Extended + 0x22;
    public const uint MouseFlags1 = Extended + 0x26;
    public const uint MouseFlags2 = Extended + 0x27;
    public const uint MousePacket = Extended + 0x28;

    // The rest of it is ours.
    public const uint BootState = Extended + 0x100;
    public const uint EmulationState = Extended + 0x180;
    public const uint DiskTables = Extended + 0x200;
    public const uint PowerState = Extended + 0x300;
    public const uint WaitState = Extended + 0x310;
}
