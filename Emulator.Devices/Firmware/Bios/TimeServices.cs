using Emulator.Devices.Timers;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>The time of day: the tick of INT 08h, functions 00h to 07h of INT 1Ah, the alarm of INT 70h.</summary>
internal sealed class TimeServices
{
    /// <summary>Ticks of 65536 counts of 1,193,182 Hz in a day.</summary>
    public const uint TicksPerDay = 0x1800B0;

    private const int RegisterB = 11;
    private const int RegisterC = 12;
    private const byte AlarmEnable = 0x20;
    private const byte PeriodicEnable = 0x40;
    private const byte Updating = 0x80;
    private const byte Set = 0x80;

    private readonly PcMachine _machine;

    public TimeServices(PcMachine machine) => _machine = machine;

    /// <summary>INT 08h.</summary>
    public void Tick(ref BiosCall call)
    {
        uint ticks = call.Read32(BiosData.Ticks) + 1;
        if (ticks >= TicksPerDay)
        {
            ticks = 0;
            call.Write8(BiosData.Midnight, 1);
        }

        call.Write32(BiosData.Ticks, ticks);
        byte count = call.Read8(BiosData.FloppyMotorCount);
        if (count != 0)
        {
            call.Write8(BiosData.FloppyMotorCount, --count);
            if (count == 0)
            {
                const ushort DigitalOutput = 0x3F2;
                call.Write8(BiosData.FloppyMotor, (byte)(call.Read8(BiosData.FloppyMotor) & 0xF0));
                _machine.BiosPorts.Write(DigitalOutput, 1, 0x0C);
            }
        }
    }

    /// <summary>INT 70h: periodic interrupts count the waits of INT 15h down, the alarm is told to the ROM in AL.</summary>
    public void ClockInterrupt(ref BiosCall call)
    {
        const uint Period = 976;
        byte status = ReadRegister(RegisterC);
        byte enabled = ReadRegister(RegisterB);
        call.Al = (byte)((status & enabled & AlarmEnable) != 0 ? 1 : 0);
        if ((status & enabled & PeriodicEnable) == 0 || (call.Read8(BiosData.WaitActive) & 1) == 0)
        {
            return;
        }

        uint left = call.Read32(BiosData.WaitMicroseconds);
        if (left > Period)
        {
            call.Write32(BiosData.WaitMicroseconds, left - Period);
            return;
        }

        uint pointer = call.Read32(BiosData.WaitFlagPointer);
        uint flag = BiosCall.Linear((ushort)(pointer >> 16), (ushort)pointer);
        byte value = call.Read8(flag);
        if (!call.Check(flag, 1, write: true))
        {
            return;
        }

        call.Write8(flag, (byte)(value | 0x80));
        call.Write32(BiosData.WaitMicroseconds, 0);
        call.Write8(BiosData.WaitActive, 0);
        WriteRegister(RegisterB, (byte)(enabled & ~PeriodicEnable));
    }

    /// <summary>INT 1Ah, functions 00h to 07h; false for the others.</summary>
    public bool Run(ref BiosCall call)
    {
        switch (call.Ah)
        {
            case 0x00:
                uint ticks = call.Read32(BiosData.Ticks);
                call.Al = call.Read8(BiosData.Midnight);
                call.Write8(BiosData.Midnight, 0);
                call.Cx = (ushort)(ticks >> 16);
                call.Dx = (ushort)ticks;
                return true;
            case 0x01:
                call.Write32(BiosData.Ticks, ((uint)call.Cx << 16) | call.Dx);
                call.Write8(BiosData.Midnight, 0);
                call.Carry = false;
                return true;
            case 0x02:
                if (Ready(ref call))
                {
                    call.Ch = ReadRegister(4);
                    call.Cl = ReadRegister(2);
                    call.Dh = ReadRegister(0);
                    call.Dl = (byte)(ReadRegister(RegisterB) & 1);
                    call.Al = call.Ch;
                }

                return true;
            case 0x03:
                byte b = ReadRegister(RegisterB);
                WriteRegister(RegisterB, (byte)(b | Set));
                WriteRegister(4, call.Ch);
                WriteRegister(2, call.Cl);
                WriteRegister(0, call.Dh);
                WriteRegister(RegisterB, (byte)((b & ~(Set | 1)) | (call.Dl & 1)));
                Succeed(ref call);
                return true;
            case 0x04:
                if (Ready(ref call))
                {
                    call.Ch = ReadRegister(Mc146818Rtc.Century);
                    call.Cl = ReadRegister(9);
                    call.Dh = ReadRegister(8);
                    call.Dl = ReadRegister(7);
                    call.Al = call.Ch;
                }

                return true;
            case 0x05:
                byte before = ReadRegister(RegisterB);
                WriteRegister(RegisterB, (byte)(before | Set));
                WriteRegister(9, call.Cl);
                WriteRegister(8, call.Dh);
                WriteRegister(7, call.Dl);
                WriteRegister(Mc146818Rtc.Century, call.Ch);
                WriteRegister(RegisterB, (byte)(before & ~Set));
                Succeed(ref call);
                return true;
            case 0x06:
                byte enabled = ReadRegister(RegisterB);
                if ((enabled & AlarmEnable) != 0)
                {
                    call.Ah = 0;
                    call.Carry = true;
                    return true;
                }

                WriteRegister(5, call.Ch);
                WriteRegister(3, call.Cl);
                WriteRegister(1, call.Dh);
                WriteRegister(RegisterB, (byte)(enabled | AlarmEnable));
                Succeed(ref call);
                return true;
            case 0x07:
                WriteRegister(RegisterB, (byte)(ReadRegister(RegisterB) & ~AlarmEnable));
                Succeed(ref call);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The tick count of a time of day.</summary>
    /// <param name="time">The time.</param>
    public static uint TicksAt(DateTime time) => (uint)(time.TimeOfDay.Ticks * TicksPerDay / TimeSpan.TicksPerDay);

    public byte ReadRegister(int index)
    {
        _machine.BiosPorts.Write(0x70, 1, Select(index));
        return (byte)_machine.BiosPorts.Read(0x71, 1);
    }

    public void WriteRegister(int index, byte value)
    {
        _machine.BiosPorts.Write(0x70, 1, Select(index));
        _machine.BiosPorts.Write(0x71, 1, value);
    }

    private uint Select(int index) => (uint)index | (_machine.Rtc.NmiMasked ? 0x80u : 0);

    /// <summary>The clock must not be read while it counts: the service runs again until it has.</summary>
    private bool Ready(ref BiosCall call)
    {
        if ((ReadRegister(10) & Updating) != 0)
        {
            call.Again();
            return false;
        }

        call.Carry = false;
        return true;
    }

    private static void Succeed(ref BiosCall call)
    {
        call.Ah = 0;
        call.Carry = false;
    }
}
