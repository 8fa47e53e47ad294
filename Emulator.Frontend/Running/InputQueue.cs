using System.Collections.Concurrent;
using Emulator.Devices;

namespace Emulator.Frontend.Running;

/// <summary>Where an input event enters the machine.</summary>
public enum InputTarget
{
    /// <summary>The first serial port.</summary>
    Serial,

    /// <summary>The keyboard, as text of a US layout.</summary>
    Keyboard,
}

/// <summary>Something that entered the machine from outside.</summary>
/// <param name="Target">Where it entered.</param>
/// <param name="Data">The bytes.</param>
/// <param name="Instruction">Number of instructions that had retired.</param>
public readonly record struct InputEvent(InputTarget Target, ReadOnlyMemory<byte> Data, long Instruction);

/// <summary>
/// The one place where input from outside enters a machine: other threads (the terminal) and the script post, and the thread that runs the
/// machine applies it between two instructions, stamped with the number of retired ones.
/// </summary>
public sealed class InputQueue
{
    private readonly ConcurrentQueue<(InputTarget Target, ReadOnlyMemory<byte> Data)> _posted = new();
    private (InputTarget Target, ReadOnlyMemory<byte> Data)? _rest;

    /// <summary>Called on the machine's thread for each piece that entered, with its stamp.</summary>
    public Action<InputEvent>? Applied { get; set; }

    /// <summary>Whether nothing waits. Exact on the machine's thread only.</summary>
    public bool IsEmpty => _rest is null && _posted.IsEmpty;

    /// <summary>Adds input. Any thread.</summary>
    /// <param name="target">Where it enters.</param>
    /// <param name="data">The bytes.</param>
    public void Post(InputTarget target, ReadOnlyMemory<byte> data) => _posted.Enqueue((target, data));

    /// <summary>Gives the machine what it takes now; what its buffers do not take waits for the next call.</summary>
    /// <param name="machine">The machine, between two instructions.</param>
    public void Apply(PcMachine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        while (true)
        {
            if (_rest is null)
            {
                if (!_posted.TryDequeue(out (InputTarget Target, ReadOnlyMemory<byte> Data) next))
                {
                    return;
                }

                _rest = next;
            }

            (InputTarget target, ReadOnlyMemory<byte> data) = _rest.Value;
            int taken = target == InputTarget.Serial ? TakeSerial(machine, data.Span) : KeyboardText.Type(machine, data.Span);
            if (taken > 0)
            {
                Applied?.Invoke(new InputEvent(target, data[..taken], machine.Cpu.Retired));
            }

            _rest = taken < data.Length ? (target, data[taken..]) : null;
            if (_rest is not null)
            {
                return;
            }
        }
    }

    /// <summary>Without a serial port the input is lost, as on a line that nobody listens to.</summary>
    private static int TakeSerial(PcMachine machine, ReadOnlySpan<byte> data) => machine.Serial.Count == 0 ? data.Length : machine.Serial[0].EnqueueInput(data);
}
