// The PC's coprocessor error logic (IBM PC/AT technical reference; 82371SB datasheet section 2.6.9): FERR# sets a latch that drives
// IRQ 13; a write to port F0h clears the latch and asserts IGNNE# until FERR# goes inactive.
//
// Ports: F0h (any write; reads return FFh), F1h (coprocessor reset of the 80287, without effect). IRQ 13.
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Board;

/// <summary>Turns x87 errors into IRQ 13.</summary>
public sealed unsafe class NumericErrorLogic : IMachineComponent
{
    private readonly CpuCore _cpu;
    private readonly IrqLine _irq13;
    private bool _latched;

    /// <summary>Creates the logic and connects it to the CPU's FERR# pin.</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="irq13">The interrupt line.</param>
    public NumericErrorLogic(CpuCore cpu, IrqLine irq13)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        _cpu = cpu;
        _irq13 = irq13;
        cpu.FerrLine = new IrqLine(this, 0, &FerrChanged);
    }

    /// <inheritdoc/>
    public string StateId => "ferr";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>Maps the ports.</summary>
    /// <param name="ports">The port space.</param>
    public void Map(PortMap ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(0xF0, 2, 1, this, &Read, &Write, &Read);
    }

    /// <inheritdoc/>
    public void Reset()
    {
        _cpu.FerrLine.Restore(false);
        _latched = false;
        _cpu.IgnoreNumericError = false;
        _irq13.Set(false);
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Field("latched", ref _latched);
        if (archive.IsLoading)
        {
            _irq13.Restore(_latched);
        }
    }

    private static void FerrChanged(object target, int pin, bool level)
    {
        NumericErrorLogic self = (NumericErrorLogic)target;
        if (level)
        {
            self._latched = true;
            self._irq13.Set(true);
        }
        else
        {
            self._cpu.IgnoreNumericError = false;
        }
    }

    private static uint Read(object target, ushort port, int size) => 0xFF;

    private static void Write(object target, ushort port, int size, uint value)
    {
        NumericErrorLogic self = (NumericErrorLogic)target;
        if ((port & 1) != 0)
        {
            return;
        }

        self._latched = false;
        self._irq13.Set(false);
        if (self._cpu.FerrLine.Level)
        {
            self._cpu.IgnoreNumericError = true;
        }
    }
}
