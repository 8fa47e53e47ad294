namespace Emulator.Jit;

/// <summary>What is asked of the code of regions beyond running fast.</summary>
[Flags]
internal enum EmitModes
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A region never goes on in another one: each entry of a region is seen by whoever called it.</summary>
    NoTransfers = 1,

    /// <summary>
    /// A region leaves in front of whatever could touch a device, the page tables or more memory than it shows: it can be run again from the
    /// same state.
    /// </summary>
    Repeatable = 2,

    /// <summary>
    /// For code that is kept: crossgen2 leaves out methods with explicit tail calls, so that going on in another region is a call that the
    /// host's compiler may turn into a jump, a bounded number of times.
    /// </summary>
    Kept = 4,

    /// <summary>Calls of handlers and exits in front of instructions are counted by instruction (<see cref="RegionCounters"/>).</summary>
    Count = 8,

    /// <summary>
    /// For tests that compile more than they run: the host's compiler does not optimize, and takes less than half the time. Locals that
    /// nothing was put into hold numbers that show.
    /// </summary>
    Unoptimized = 16,
}
