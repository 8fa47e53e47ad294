namespace Emulator.Devices.Firmware.Bios;

/// <summary>INT 15h: dispatch, the system's description, hooks; and the interrupt requests that nobody serves.</summary>
internal sealed class SystemServices
{
    private const byte Unsupported = 0x86;

    private readonly PcMachine _machine;
    private readonly MemoryServices _memory;
    private readonly MouseServices _mouse;
    private readonly PowerServices _power;
    private readonly WaitServices _wait;

    public SystemServices(PcMachine machine, MouseServices mouse, PowerServices power, WaitServices wait)
    {
        _machine = machine;
        _memory = new MemoryServices(machine);
        _mouse = mouse;
        _power = power;
        _wait = wait;
    }

    /// <summary>INT 15h.</summary>
    public void Run(ref BiosCall call)
    {
        switch (call.Ah)
        {
            case 0x4F: // keyboard intercept: CF as it came, so that the key is taken
            case 0x80: // device open, close, program end: hooks of multitasking systems
            case 0x81:
            case 0x82:
            case 0x85:
            case 0x90:
            case 0x91:
                if (call.Ah != 0x4F)
                {
                    call.Ah = 0;
                    call.Carry = false;
                }

                break;
            case 0x24:
                _memory.ControlA20(ref call);
                break;
            case 0x53:
                _power.Run(ref call);
                break;
            case 0x83:
                _wait.SetEvent(ref call);
                break;
            case 0x84 when call.Dx <= 1:
                ReadJoystick(ref call);
                break;
            case 0x86:
                _wait.Wait(ref call);
                break;
            case 0x87:
                _memory.MoveBlock(ref call);
                break;
            case 0x88:
                _memory.GetExtendedSize(ref call);
                break;
            case 0xC0:
                call.Es = BiosRom.Segment;
                call.Bx = BiosRom.Configuration;
                call.Ah = 0;
                call.Carry = false;
                break;
            case 0xC1:
                call.Es = BiosData.ExtendedParagraph;
                call.Carry = false;
                break;
            case 0xC2:
                _mouse.Run(ref call);
                break;
            case 0xE8 when call.Al == 0x01:
                _memory.GetSizes(ref call);
                break;
            case 0xE8 when call.Al == 0x20:
                _memory.WriteMapEntry(ref call);
                break;
            default:
                call.Ah = Unsupported;
                call.Carry = true;
                break;
        }
    }

    /// <summary>Function 89h, which the ROM completes.</summary>
    public void PrepareProtectedMode(ref BiosCall call) => _memory.PrepareProtectedMode(ref call);

    /// <summary>Function 84h on a board without a game port: open switches, no position.</summary>
    private static void ReadJoystick(ref BiosCall call)
    {
        if (call.Dx == 0)
        {
            call.Al = 0xF0;
        }
        else
        {
            call.Ax = call.Bx = call.Cx = call.Dx = 0;
        }

        call.Carry = false;
    }

    /// <summary>An interrupt request without a handler is acknowledged and masked; its bit is noted, FFh when there was none.</summary>
    public void UnexpectedInterrupt(ref BiosCall call)
    {
        const byte ReadInService = 0x0B;
        const byte EndOfInterrupt = 0x20;
        const byte Cascade = 0x04;
        byte master = InService(0x20);
        byte slave = InService(0xA0);
        byte noted = 0xFF;
        if (slave != 0)
        {
            Mask(0xA1, slave);
            _machine.BiosPorts.Write(0xA0, 1, EndOfInterrupt);
            noted = slave;
        }

        if (master != 0)
        {
            if ((master & ~Cascade) != 0)
            {
                Mask(0x21, (byte)(master & ~Cascade));
                noted = master;
            }

            _machine.BiosPorts.Write(0x20, 1, EndOfInterrupt);
        }

        call.Write8(BiosData.LastUnexpectedIrq, noted);

        byte InService(ushort port)
        {
            _machine.BiosPorts.Write(port, 1, ReadInService);
            return (byte)_machine.BiosPorts.Read(port, 1);
        }

        void Mask(ushort port, byte lines) => _machine.BiosPorts.Write(port, 1, _machine.BiosPorts.Read(port, 1) | lines);
    }
}
