using System.Runtime.CompilerServices;

namespace Emulator.Core.Semantics.Simd;

/// <summary>
/// When a scalar operation may run on the host with no look at exceptions at all: rounding to nearest, PE set and masked, no denormal
/// operand, and a result well inside the normal range (which NaNs and infinities among the operands cannot give). This is the part of the
/// fast path of <see cref="ScalarDouble"/> and <see cref="ScalarSingle"/> that is short enough to stand in a handler.
/// </summary>
internal static class HostArithmetic
{
    private const uint SettingMask = Mxcsr.RoundingField | Mxcsr.Precision | Mxcsr.PrecisionMask;
    private const uint Setting = Mxcsr.Precision | Mxcsr.PrecisionMask;

    /// <summary>Whether MXCSR allows it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsAllowed(uint mxcsr) => (mxcsr & SettingMask) == Setting;

    /// <summary>Whether an operand is no denormal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsUsable(ulong a) => (a & 0x7FFF_FFFF_FFFF_FFFF) - 1 >= 0x000F_FFFF_FFFF_FFFF;

    /// <summary>Whether an operand is no denormal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsUsable(uint a) => (a & 0x7FFF_FFFF) - 1 >= 0x007F_FFFF;
}
