namespace Emulator.Core.Machine;

/// <summary>What the CPU asks of the interrupt controller.</summary>
public interface IInterruptController
{
    /// <summary>Runs the interrupt-acknowledge cycles.</summary>
    /// <returns>The vector of the highest-priority request, or the spurious one.</returns>
    byte Acknowledge();
}
