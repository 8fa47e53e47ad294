namespace Emulator.Core.Semantics.X87;

/// <summary>Bits of the x87 status word. The six exception bits have the same positions as their masks in the control word.</summary>
public static class X87Status
{
    /// <summary>Invalid operation.</summary>
    public const uint Invalid = 0x0001;

    /// <summary>Denormal operand.</summary>
    public const uint Denormal = 0x0002;

    /// <summary>Division by zero.</summary>
    public const uint ZeroDivide = 0x0004;

    /// <summary>Numeric overflow.</summary>
    public const uint Overflow = 0x0008;

    /// <summary>Numeric underflow.</summary>
    public const uint Underflow = 0x0010;

    /// <summary>Inexact result.</summary>
    public const uint Precision = 0x0020;

    /// <summary>Stack fault.</summary>
    public const uint StackFault = 0x0040;

    /// <summary>Exception summary: an unmasked exception is pending.</summary>
    public const uint ErrorSummary = 0x0080;

    /// <summary>Condition code 0.</summary>
    public const uint C0 = 0x0100;

    /// <summary>Condition code 1: rounded up in magnitude, or the direction of a stack fault (1 = overflow).</summary>
    public const uint C1 = 0x0200;

    /// <summary>Condition code 2.</summary>
    public const uint C2 = 0x0400;

    /// <summary>Top of stack pointer.</summary>
    public const uint TopMask = 0x3800;

    /// <summary>Position of the top of stack pointer.</summary>
    public const int TopShift = 11;

    /// <summary>Condition code 3.</summary>
    public const uint C3 = 0x4000;

    /// <summary>Follows <see cref="ErrorSummary"/>.</summary>
    public const uint Busy = 0x8000;

    /// <summary>The six exception flags.</summary>
    public const uint Exceptions = 0x003F;

    /// <summary>The exceptions that are found before an operation is carried out: unmasked, they leave the destination alone.</summary>
    public const uint PreOperation = Invalid | Denormal | ZeroDivide;

    /// <summary>C0, C2 and C3: the comparison result "unordered".</summary>
    public const uint Unordered = C0 | C2 | C3;
}
