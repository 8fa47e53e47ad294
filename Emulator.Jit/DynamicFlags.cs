using System.Runtime.CompilerServices;

namespace Emulator.Jit;

/// <summary>
/// The lazy form of flags whose kind is known when running only; called from cold paths of regions. Mirrors
/// <see cref="RegionEmitter"/>'s inline code for each <see cref="FlagState.Number"/>.
/// </summary>
internal static class DynamicFlags
{
    /// <summary>The lazy-flag result.</summary>
    /// <param name="number">Kind and size.</param>
    /// <param name="res">Result of the last flag operation.</param>
    /// <param name="inLocals">The lazy-flag result when nothing is pending.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static long Result(int number, uint res, long inLocals) => (number & 7) switch
    {
        _ when number == 0 => inLocals,
        1 => (sbyte)res,
        2 => (short)res,
        _ => (int)res,
    };

    /// <summary>The lazy-flag carries.</summary>
    /// <param name="number">Kind and size.</param>
    /// <param name="a">First operand.</param>
    /// <param name="b">Second operand.</param>
    /// <param name="res">Result.</param>
    /// <param name="computed">Carries of <see cref="FlagKind.Computed"/>.</param>
    /// <param name="inLocals">The lazy-flag carries when nothing is pending.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static uint Carries(int number, uint a, uint b, uint res, uint computed, uint inLocals)
    {
        switch ((FlagKind)(number >> 3))
        {
            case FlagKind.InLocals:
                return inLocals;
            case FlagKind.Logic:
                return 0;
            case FlagKind.Computed:
                return computed;
            case FlagKind.Add:
                return Align((a & b) | ((a | b) & ~res), number & 7);
            default:
                return Align((~a & b) | ((~a | b) & res), number & 7);
        }
    }

    private static uint Align(uint carries, int size) => size == 4 ? carries : (carries << (32 - (8 * size))) | (carries & 8);
}
