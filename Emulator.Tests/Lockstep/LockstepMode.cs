namespace Emulator.Tests.Lockstep;

/// <summary>What mode a guest program runs in.</summary>
internal enum LockstepMode
{
    /// <summary>Flat 32-bit code, paging.</summary>
    Flat32,

    /// <summary>32-bit code at CPL 3 whose segments have bases and limits, paging.</summary>
    Based32,

    /// <summary>16-bit protected-mode code at CPL 3 in segments of 64 KiB and less, paging.</summary>
    Protected16,

    /// <summary>Virtual-8086 mode, paging.</summary>
    Virtual86,

    /// <summary>Real mode.</summary>
    Real,
}
