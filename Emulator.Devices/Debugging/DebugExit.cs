// The isa-debug-exit device, by the convention of QEMU: a write of v to its ports ends the emulator with the exit status (v << 1) | 1.
//
// Ports: configured, usually F4h, 1 to 4 of them. Reads return 0. No state, no interrupt.
using Emulator.Core.Machine;

namespace Emulator.Devices.Debugging;

/// <summary>Lets a guest end the run with an exit status.</summary>
public sealed unsafe class DebugExit
{
    private readonly Action<int> _exit;

    /// <summary>Creates the device.</summary>
    /// <param name="exit">Called with the exit status; the run must end before the next instruction.</param>
    public DebugExit(Action<int> exit) => _exit = exit;

    /// <summary>Maps the ports.</summary>
    /// <param name="ports">The port space.</param>
    /// <param name="first">First port.</param>
    /// <param name="size">Number of ports: 1, 2 or 4.</param>
    public void Map(PortMap ports, ushort first, int size)
    {
        ArgumentNullException.ThrowIfNull(ports);
        if (size is not (1 or 2 or 4))
        {
            throw new ArgumentOutOfRangeException(nameof(size), size, "debug exit has 1, 2 or 4 ports");
        }

        ports.Map(first, size, size, this, &Read, &Write, &Read);
    }

    private static uint Read(object target, ushort port, int size) => 0;

    private static void Write(object target, ushort port, int size, uint value) => ((DebugExit)target)._exit((int)((value << 1) | 1));
}
