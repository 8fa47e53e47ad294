// NMI status and control, 82371SB PIIX3 datasheet (290550) section 2.9.1.
//
// Bits: 0 GATE of timer counter 2, 1 speaker data enable, 2 SERR# disable, 3 IOCHK# disable (all read/write); 4 refresh toggle; 5 OUT of
// timer counter 2; 6 IOCHK# and 7 SERR# NMI source, never active here. The refresh toggle changes every 15085 ns from time 0, whatever
// timer counter 1 is programmed to.
//
// Port 61h (and its aliases 63h, 65h, 67h).
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Timers;

/// <summary>Port 61h: speaker gate, refresh toggle and NMI sources.</summary>
public sealed unsafe class SystemControlPortB : IMachineComponent
{
    /// <summary>Nanoseconds between two changes of the refresh toggle.</summary>
    public const long RefreshPeriod = 15_085;

    private const byte Timer2Gate = 0x01;
    private const byte SpeakerData = 0x02;
    private const byte Writable = 0x0F;
    private const byte RefreshToggle = 0x10;
    private const byte Timer2Out = 0x20;

    private readonly Clock _clock;
    private readonly I8254Pit _pit;
    private byte _control;

    /// <summary>Creates the port.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="pit">The timer whose counter 2 it gates.</param>
    public SystemControlPortB(Clock clock, I8254Pit pit)
    {
        _clock = clock;
        _pit = pit;
    }

    /// <inheritdoc/>
    public string StateId => "port61";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>Whether the guest has connected OUT of counter 2 to the speaker.</summary>
    public bool SpeakerEnabled => (_control & SpeakerData) != 0;

    /// <summary>Level of the speaker now.</summary>
    public bool SpeakerLevel => SpeakerEnabled && _pit.Out2;

    /// <summary>Maps the port.</summary>
    /// <param name="ports">The port space.</param>
    public void Map(PortMap ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        for (ushort port = 0x61; port <= 0x67; port += 2)
        {
            ports.Map(port, 1, 1, this, &Read, &Write, &Read);
        }
    }

    /// <inheritdoc/>
    public void Reset()
    {
        _control = 0;
        _pit.Gate2 = false;
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Field("control", ref _control);
        archive.Check((_control & ~Writable) == 0, "control");
    }

    private static uint Read(object target, ushort port, int size)
    {
        SystemControlPortB self = (SystemControlPortB)target;
        uint toggle = (self._clock.Now / RefreshPeriod & 1) != 0 ? RefreshToggle : 0u;
        return self._control | toggle | (self._pit.Out2 ? Timer2Out : 0u);
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        SystemControlPortB self = (SystemControlPortB)target;
        self._control = (byte)(value & Writable);
        self._pit.Gate2 = (value & Timer2Gate) != 0;
    }
}
