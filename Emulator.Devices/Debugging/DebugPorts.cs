// Ports that guests use to talk to whoever debugs them, and the plain latches next to them. No datasheet: conventions of Bochs, QEMU and
// the PC's power-on self test.
//
// Ports: E9h text console (reads return E9h, which tells a guest that it is there); 402h firmware log (the same); 80h POST code; 81h-8Fh
// latches in a board without DMA controller; EDh, the other delay port, a latch. No interrupt.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Debugging;

/// <summary>Debug console, firmware log and POST code.</summary>
public sealed unsafe class DebugPorts : IMachineComponent
{
    private const byte Present = 0xE9;
    private const ushort ConsolePort = 0xE9;
    private const ushort FirmwarePort = 0x402;
    private const ushort PostPort = 0x80;
    private const ushort DelayPort = 0xED;

    private readonly byte[] _pageRegisters = new byte[16];
    private byte _delay;

    /// <inheritdoc/>
    public string StateId => "debug-ports";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>Receives each byte written to port E9h, on the thread that runs the machine.</summary>
    public Action<byte>? Console { get; set; }

    /// <summary>Receives each byte written to port 402h, on the thread that runs the machine.</summary>
    public Action<byte>? FirmwareLog { get; set; }

    /// <summary>Receives each POST code that differs from the one before, on the thread that runs the machine.</summary>
    public Action<byte>? PostCodeChanged { get; set; }

    /// <summary>The last POST code.</summary>
    public byte PostCode => _pageRegisters[0];

    /// <summary>Maps the ports.</summary>
    /// <param name="ports">The port space.</param>
    public void Map(PortMap ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(ConsolePort, 1, 1, this, &Read, &Write, &Read);
        ports.Map(FirmwarePort, 1, 1, this, &Read, &Write, &Read);
        ports.Map(PostPort, 16, 1, this, &Read, &Write, &Read);
        ports.Map(DelayPort, 1, 1, this, &Read, &Write, &Read);
    }

    /// <inheritdoc/>
    public void Reset()
    {
        Array.Clear(_pageRegisters);
        _delay = 0;
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Array<byte>("pageRegisters", _pageRegisters);
        archive.Field("delay", ref _delay);
    }

    private static uint Read(object target, ushort port, int size)
    {
        DebugPorts self = (DebugPorts)target;
        return port switch
        {
            ConsolePort or FirmwarePort => Present,
            DelayPort => self._delay,
            _ => self._pageRegisters[port & 15],
        };
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        DebugPorts self = (DebugPorts)target;
        byte data = (byte)value;
        switch (port)
        {
            case ConsolePort:
                self.Console?.Invoke(data);
                break;
            case FirmwarePort:
                self.FirmwareLog?.Invoke(data);
                break;
            case DelayPort:
                self._delay = data;
                break;
            default:
                bool changed = port == PostPort && self._pageRegisters[0] != data;
                self._pageRegisters[port & 15] = data;
                if (changed)
                {
                    self.PostCodeChanged?.Invoke(data);
                }

                break;
        }
    }
}
