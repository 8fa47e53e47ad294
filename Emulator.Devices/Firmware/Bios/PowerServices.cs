using Emulator.Core.Cpu;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// Advanced power management 1.2: function 53h of INT 15h and the same functions by a far call from 16- and 32-bit protected mode. There is
/// mains power and no battery, no event ever comes; idle halts until an interrupt, the state Off of all devices is soft off.
/// </summary>
internal sealed unsafe class PowerServices
{
    private const byte Unsupported = 0x86;
    private const byte NotConnected = 0x03;
    private const byte UnknownDevice = 0x09;
    private const byte BadParameter = 0x0A;
    private const byte NoEvent = 0x80;
    private const ushort Version = 0x0102;
    private const ushort AllDevices = 0x0001;
    private const ushort OldAllDevices = 0xFFFF;
    private const byte RealMode = 1;
    private const byte Protected16 = 2;
    private const byte Protected32 = 3;

    private readonly PcMachine _machine;

    public PowerServices(PcMachine machine) => _machine = machine;

    /// <summary>Function AL, from any mode.</summary>
    public void Run(ref BiosCall call)
    {
        byte error = call.IsProtected ? RunFunction(ref call) : RunWithConnection(ref call);
        call.Carry = error != 0;
        if (error != 0)
        {
            call.Ah = error;
        }
    }

    private byte RunWithConnection(ref BiosCall call)
    {
        byte connection = call.Read8(BiosData.PowerConnection);
        switch (call.Al)
        {
            case 0x00:
                call.Ax = Version;
                call.Bx = 0x504D; // PM
                call.Cx = 0x0003; // 16- and 32-bit protected mode
                return 0;
            case 0x01:
                return Connect(ref call, connection, RealMode);
            case 0x02:
                call.Ax = BiosRom.Segment;
                call.Bx = BiosRom.Offset(BiosRom.Entry.Apm);
                call.Cx = BiosRom.Segment;
                call.Si = call.Di = 0xFFFF;
                return Connect(ref call, connection, Protected16);
            case 0x03:
                call.Ax = BiosRom.Segment;
                call.Ebx = BiosRom.Offset(BiosRom.Entry.Apm);
                call.Cx = BiosRom.Segment;
                call.Dx = BiosRom.Segment;
                call.Esi = 0xFFFF_FFFF;
                call.Di = 0xFFFF;
                return Connect(ref call, connection, Protected32);
            case 0x04:
                call.Write8(BiosData.PowerConnection, 0);
                return connection == 0 ? NotConnected : (byte)0;
            case 0x05:
                if (!call.IsRetry)
                {
                    call.Wait();
                }

                return 0;
            default:
                return RunFunction(ref call);
        }
    }

    private static byte Connect(ref BiosCall call, byte connection, byte wanted)
    {
        if (connection != 0)
        {
            return connection switch { RealMode => 0x02, Protected16 => 0x05, _ => 0x07 };
        }

        call.Write8(BiosData.PowerConnection, wanted);
        return 0;
    }

    private byte RunFunction(ref BiosCall call)
    {
        switch (call.Al)
        {
            case 0x04:
                return 0;
            case 0x05:
                Halt(call.State);
                return 0;
            case 0x06 or 0x08 or 0x09 or 0x0D or 0x0F:
                return 0;
            case 0x07:
                return SetState(ref call);
            case 0x0A:
                if (call.Bx != AllDevices)
                {
                    return UnknownDevice;
                }

                call.Bx = 0x01FF; // on mains
                call.Cx = 0x80FF; // no battery
                call.Dx = 0xFFFF;
                return 0;
            case 0x0B:
                return NoEvent;
            case 0x0C:
                call.Cx = 0;
                return 0;
            case 0x0E:
                call.Ax = Version;
                return 0;
            case 0x10:
                call.Bx = 0;
                call.Cx = 0;
                return 0;
            default:
                return Unsupported;
        }
    }

    private byte SetState(ref BiosCall call)
    {
        const ushort Off = 3;
        const ushort MostStates = 5;
        if (call.Cx > MostStates)
        {
            return BadParameter;
        }

        if (call.Bx is AllDevices or OldAllDevices && call.Cx == Off)
        {
            _machine.PowerOff();
        }

        return 0;
    }

    /// <summary>Idle in protected mode, where there is no stub that waits: the CPU halts behind the call if an interrupt can end that.</summary>
    private static void Halt(CpuState* s)
    {
        if ((s->EflagsRest & Eflags.IF) != 0)
        {
            s->IsHalted = 1;
            CpuCore.UpdatePending(s);
        }
    }
}
