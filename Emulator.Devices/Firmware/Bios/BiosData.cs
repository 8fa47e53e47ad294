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

    // The rest of it is ours. Boot: what INT 19h tries next, the menu's phase, when its time is over, the disk that takes the place of 80h.
    public const uint BootNext = Extended + 0x100;
    public const uint BootPhase = Extended + 0x101;
    public const uint BootFirstDisk = Extended + 0x102;
    public const uint BootChoice = Extended + 0x103;
    public const uint BootDeadline = Extended + 0x104;
    public const uint OptionRomNext = Extended + 0x108;

    // What the Plug and Play headers of option ROMs say: how many vectors, which boot connection vector is called next (1 + its number), and for each
    // vector offset, segment, offset of its header, kind (OptionRomKind).
    public const uint OptionVectorCount = Extended + 0x10A;
    public const uint OptionVectorNext = Extended + 0x10B;
    public const uint OptionVectors = Extended + 0x110;
    public const uint OptionVectorSize = 8;
    public const int MostOptionVectors = 8;

    // For each 2 KiB from C8000h to DFFFFh, 1 + the place of the PCI function whose ROM was copied there; FFFFh for the ROM of -kernel.
    public const uint OptionRomPlaces = Extended + 0x320;

    // El Torito: media type and flags (0 without), emulated drive, CD drive, first sector of 2048 bytes, sectors loaded, load segment, geometry.
    public const uint CdMediaType = Extended + 0x180;
    public const uint CdDrive = Extended + 0x181;
    public const uint CdUnit = Extended + 0x182;
    public const uint CdIsActive = Extended + 0x183;
    public const uint CdFirst = Extended + 0x184;
    public const uint CdLoadSegment = Extended + 0x188;
    public const uint CdLoadCount = Extended + 0x18A;
    public const uint CdHeads = Extended + 0x18C;
    public const uint CdSectors = Extended + 0x18D;
    public const uint CdCylinders = Extended + 0x18E;

    // For each hard disk the fixed disk parameter table (INT 41h and 46h point to the first two), and the table for its device driver (EDD).
    public const uint DiskTables = Extended + 0x200;
    public const uint DiskTableSize = 16;
    public const uint DiskDriverTables = Extended + 0x240;
    public const int MostDisks = 4;

    // Advanced power management: how it is connected. Waits: virtual nanoseconds at which INT 15h function 86h and INT 14h function 02h end.
    public const uint PowerConnection = Extended + 0x300;
    public const uint WaitDeadline = Extended + 0x310;
    public const uint SerialDeadline = Extended + 0x318;
}
