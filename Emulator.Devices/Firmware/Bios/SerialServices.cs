using Emulator.Core.Machine;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>INT 14h: the serial ports whose bases stand in the BIOS data area, and the PS/2's extended functions.</summary>
internal sealed class SerialServices
{
    private const ushort LineControl = 3;
    private const ushort ModemControl = 4;
    private const ushort LineStatus = 5;
    private const ushort ModemStatus = 6;
    private const byte DataReady = 0x01;
    private const byte HoldingEmpty = 0x20;
    private const byte TimedOut = 0x80;
    private const byte DivisorLatch = 0x80;
    private const byte TerminalAndRequest = 0x03;
    private const long Second = 1_000_000_000;
    private const uint Crystal = 115_200;

    private static readonly uint[] Rates = [110, 150, 300, 600, 1200, 2400, 4800, 9600, 19200];

    private readonly BiosPorts _ports;
    private readonly Clock _clock;

    public SerialServices(BiosPorts ports, Clock clock)
    {
        _ports = ports;
        _clock = clock;
    }

    public void Run(ref BiosCall call)
    {
        if (call.Dx > 3 || call.Ah > 5)
        {
            return;
        }

        ushort port = call.Read16(BiosData.SerialPorts + (2u * call.Dx));
        if (port == 0)
        {
            return;
        }

        switch (call.Ah)
        {
            case 0x00:
                Initialize(port, call.Al >> 5, (byte)((call.Al & 0x1F) is var form && (form & 0x08) != 0 ? form : form & ~0x18));
                break;
            case 0x01:
                if ((Read(port, LineStatus) & HoldingEmpty) == 0)
                {
                    call.Again(); // it empties within the time of a character
                    return;
                }

                Write(port, ModemControl, (byte)(Read(port, ModemControl) | TerminalAndRequest));
                Write(port, 0, call.Al);
                call.Ah = Read(port, LineStatus);
                return;
            case 0x02:
                Receive(ref call, port);
                return;
            case 0x04:
                int parity = call.Bh switch { 1 => 0x08, 2 => 0x18, 3 => 0x28, 4 => 0x38, _ => 0 };
                Initialize(port, call.Cl, (byte)((call.Ch & 3) | ((call.Bl & 1) << 2) | parity));
                break;
            case 0x05 when call.Al == 0:
                call.Bl = Read(port, ModemControl);
                break;
            case 0x05:
                Write(port, ModemControl, call.Bl);
                break;
            default:
                break;
        }

        call.Ah = Read(port, LineStatus);
        call.Al = Read(port, ModemStatus);
    }

    private void Receive(ref BiosCall call, ushort port)
    {
        byte status = Read(port, LineStatus);
        if ((status & DataReady) != 0)
        {
            call.Write64(BiosData.SerialDeadline, 0);
            call.Ah = (byte)(status & 0x1E);
            call.Al = Read(port, 0);
            return;
        }

        long now = _clock.Now;
        if (!call.IsRetry)
        {
            Write(port, ModemControl, (byte)(Read(port, ModemControl) | 1));
            call.Write64(BiosData.SerialDeadline, (ulong)(now + (Second * call.Read8(BiosData.SerialTimeouts + call.Dx))));
        }

        if ((ulong)now < call.Read64(BiosData.SerialDeadline))
        {
            call.Wait();
            return;
        }

        call.Ah = (byte)(status | TimedOut);
    }

    private void Initialize(ushort port, int rate, byte format)
    {
        uint divisor = rate < Rates.Length ? Crystal / Rates[rate] : 1;
        Write(port, LineControl, DivisorLatch);
        Write(port, 0, (byte)divisor);
        Write(port, 1, (byte)(divisor >> 8));
        Write(port, LineControl, format);
        Write(port, 1, 0);
    }

    private byte Read(ushort port, ushort register) => (byte)_ports.Read((ushort)(port + register), 1);

    private void Write(ushort port, ushort register, byte value) => _ports.Write((ushort)(port + register), 1, value);
}
