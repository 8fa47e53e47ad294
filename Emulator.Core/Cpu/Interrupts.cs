namespace Emulator.Core.Cpu;

/// <summary>Where an interrupt comes from; decides privilege checks, error codes and double faults.</summary>
public enum InterruptSource
{
    /// <summary>A fault or trap that the CPU detected.</summary>
    Exception,

    /// <summary>INT n, INT3 or INTO: the gate's DPL is checked.</summary>
    Software,

    /// <summary>INT1 (ICEBP): like an exception, no DPL check.</summary>
    Icebp,

    /// <summary>INTR or NMI.</summary>
    External,
}

/// <summary>Delivery of interrupts and exceptions (SDM volume 3, chapter 6).</summary>
public static unsafe class Interrupts
{
    /// <summary>Delivers the fault recorded in the state; <see cref="CpuState.Eip"/> is the faulting instruction.</summary>
    /// <param name="s">The state.</param>
    /// <returns>False when it ended in shutdown (triple fault).</returns>
    public static bool DeliverFault(CpuState* s)
    {
        s->IsShutdown = 1;
        return false;
    }

    /// <summary>Delivers an interrupt; <see cref="CpuState.Eip"/> is the return address. Faults of the delivery are delivered in turn.</summary>
    /// <param name="s">The state.</param>
    /// <param name="source">Where it comes from.</param>
    /// <param name="vector">Vector.</param>
    /// <returns>False when it ended in shutdown (triple fault).</returns>
    public static bool Deliver(CpuState* s, InterruptSource source, byte vector)
    {
        if (CpuCore.Of(s).DeliveryObserver is { } observer)
        {
            observer(source, vector);
            return false;
        }

        s->IsShutdown = 1;
        return false;
    }
}
