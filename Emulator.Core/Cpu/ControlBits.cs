namespace Emulator.Core.Cpu;

/// <summary>CR0 bits.</summary>
public static class Cr0
{
    public const uint PE = 0x1;
    public const uint MP = 0x2;
    public const uint EM = 0x4;
    public const uint TS = 0x8;
    public const uint ET = 0x10;
    public const uint NE = 0x20;
    public const uint WP = 0x10000;
    public const uint AM = 0x40000;
    public const uint NW = 0x20000000;
    public const uint CD = 0x40000000;
    public const uint PG = 0x80000000;
}

/// <summary>CR4 bits.</summary>
public static class Cr4
{
    public const uint VME = 0x1;
    public const uint PVI = 0x2;
    public const uint TSD = 0x4;
    public const uint DE = 0x8;
    public const uint PSE = 0x10;
    public const uint PAE = 0x20;
    public const uint MCE = 0x40;
    public const uint PGE = 0x80;
    public const uint PCE = 0x100;
    public const uint OSFXSR = 0x200;
    public const uint OSXMMEXCPT = 0x400;
}

/// <summary>EFER bits.</summary>
public static class Efer
{
    public const ulong NXE = 0x800;
}

/// <summary>Exception vectors.</summary>
public static class ExceptionVector
{
    public const byte DivideError = 0;
    public const byte Debug = 1;
    public const byte Nmi = 2;
    public const byte Breakpoint = 3;
    public const byte Overflow = 4;
    public const byte BoundRange = 5;
    public const byte InvalidOpcode = 6;
    public const byte DeviceNotAvailable = 7;
    public const byte DoubleFault = 8;
    public const byte InvalidTss = 10;
    public const byte SegmentNotPresent = 11;
    public const byte StackFault = 12;
    public const byte GeneralProtection = 13;
    public const byte PageFault = 14;
    public const byte FloatingPoint = 16;
    public const byte AlignmentCheck = 17;
    public const byte SimdFloatingPoint = 19;
}

/// <summary>Reasons for the run loop to act between two instructions.</summary>
[Flags]
public enum PendingWork
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>INTR is asserted and IF is set.</summary>
    Interrupt = 1,

    /// <summary>An NMI is latched and not blocked.</summary>
    Nmi = 2,

    /// <summary>The last instruction (STI, MOV SS, POP SS) holds interrupts off for one more.</summary>
    Shadow = 4,

    /// <summary>Single step, armed breakpoints or RF: instructions run one at a time.</summary>
    SingleStep = 8,

    /// <summary>The CPU is halted or shut down.</summary>
    Halt = 16,

    /// <summary>The machine asks the run loop to return (reset, power-off, isa-debug-exit, a watch of the debugger).</summary>
    Stop = 32,

    /// <summary>The shadow of a MOV SS or POP SS, which also holds debug traps off.</summary>
    ShadowSs = 64,
}

/// <summary>What a handler returns.</summary>
public static class ExecStatus
{
    /// <summary>The block ended; <see cref="CpuState.Eip"/> is the next instruction.</summary>
    public const int Next = 0;

    /// <summary>The instruction at <see cref="CpuState.Eip"/> faulted; the fault is recorded in the state. Nothing of it is committed.</summary>
    public const int Fault = 1;

    /// <summary>A translated region stops in front of <see cref="CpuState.Eip"/>, whose instruction the interpreter must execute.</summary>
    public const int Interpret = 2;
}
