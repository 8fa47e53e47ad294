// The A20 gate and port 92h (system control port A; PS/2 technical reference, 82371SB datasheet section 2.9.3).
//
// One latch drives A20M#; the keyboard controller's output port and port 92h both write it, and both read it back, so the last writer
// wins. After reset A20 passes: firmware starts above 1 MiB.
//
// Port 92h: bit 0 resets the machine when it goes from 0 to 1, bit 1 is the A20 gate, the others are latches.
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Board;

/// <summary>Address line 20 and the fast reset.</summary>
public sealed unsafe class A20Gate : IMachineComponent
{
    private const byte FastReset = 0x01;
    private const byte GateBit = 0x02;

    private readonly CpuCore _cpu;
    private readonly Action _reset;
    private bool _enabled = true;
    private byte _portA;

    /// <summary>Creates the gate; A20 passes.</summary>
    /// <param name="cpu">The CPU whose A20M# it drives.</param>
    /// <param name="reset">Asks for a reset of the machine.</param>
    public A20Gate(CpuCore cpu, Action reset)
    {
        _cpu = cpu;
        _reset = reset;
    }

    /// <inheritdoc/>
    public string StateId => "a20";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>Whether address bit 20 passes.</summary>
    public bool Enabled
    {
        get => _enabled;
        set
        {
            _enabled = value;
            _cpu.SetA20(value);
        }
    }

    /// <summary>Maps port 92h.</summary>
    /// <param name="ports">The port space.</param>
    public void Map(PortMap ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(0x92, 1, 1, this, &Read, &Write, &Read);
    }

    /// <inheritdoc/>
    public void Reset()
    {
        _portA = 0;
        Enabled = true;
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Field("enabled", ref _enabled);
        archive.Field("portA", ref _portA);
        if (archive.IsLoading)
        {
            _cpu.SetA20(_enabled);
        }
    }

    private static uint Read(object target, ushort port, int size)
    {
        A20Gate self = (A20Gate)target;
        return (uint)(self._portA & ~GateBit) | (self._enabled ? GateBit : 0u);
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        A20Gate self = (A20Gate)target;
        bool rising = (value & ~self._portA & FastReset) != 0;
        self._portA = (byte)value;
        self.Enabled = (value & GateBit) != 0;
        if (rising)
        {
            self._reset();
        }
    }
}
