using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Interrupts;

/// <summary>
/// The sixteen interrupt lines of the ISA bus. Each source gets a line of its own; sources of the same number are wired together (an
/// asserted source wins), and the result is passed on to the interrupt controllers that listen.
/// </summary>
public sealed unsafe class IsaInterrupts : IMachineComponent
{
    /// <summary>Number of lines.</summary>
    public const int Count = 16;

    private const int MaximumSources = 32;

    private readonly uint[] _asserted = new uint[Count];
    private readonly int[] _sources = new int[Count];
    private readonly List<IrqLine>[] _listeners = new List<IrqLine>[Count];

    /// <summary>Creates the bus without sources or listeners.</summary>
    public IsaInterrupts()
    {
        for (int i = 0; i < Count; i++)
        {
            _listeners[i] = [];
        }
    }

    /// <inheritdoc/>
    public string StateId => "isa-irq";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>Creates the line of one more source. The order of these calls is part of the snapshot format.</summary>
    /// <param name="irq">Interrupt number, 0 to 15.</param>
    /// <exception cref="InvalidOperationException">The line has 32 sources already.</exception>
    public IrqLine Connect(int irq)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)irq, (uint)Count - 1);
        int source = _sources[irq]++;
        return source < MaximumSources
            ? new IrqLine(this, irq | (source << 8), &SourceChanged)
            : throw new InvalidOperationException($"IRQ {irq} has more than {MaximumSources} sources");
    }

    /// <summary>Adds an input of an interrupt controller.</summary>
    /// <param name="irq">Interrupt number, 0 to 15.</param>
    /// <param name="input">Driven with the wired level.</param>
    public void Listen(int irq, IrqLine input) => _listeners[irq].Add(input);

    /// <summary>The wired level of a line.</summary>
    /// <param name="irq">Interrupt number, 0 to 15.</param>
    public bool Level(int irq) => _asserted[irq] != 0;

    /// <summary>Nothing: the lines follow their sources, which are reset themselves.</summary>
    public void Reset()
    {
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Array<uint>("asserted", _asserted);
        if (archive.IsLoading)
        {
            for (int i = 0; i < Count; i++)
            {
                archive.Check((_asserted[i] >> _sources[i]) == 0 || _sources[i] == MaximumSources, "asserted");
                _listeners[i].ForEach(l => l.Restore(_asserted[i] != 0));
            }
        }
    }

    private static void SourceChanged(object target, int number, bool level)
    {
        IsaInterrupts bus = (IsaInterrupts)target;
        int irq = number & 0xFF;
        uint bit = 1u << (number >> 8);
        bool before = bus._asserted[irq] != 0;
        bus._asserted[irq] = level ? bus._asserted[irq] | bit : bus._asserted[irq] & ~bit;
        bool after = bus._asserted[irq] != 0;
        if (before != after)
        {
            foreach (IrqLine listener in bus._listeners[irq])
            {
                listener.Set(after);
            }
        }
    }
}
