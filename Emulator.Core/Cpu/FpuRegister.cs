using System.Runtime.InteropServices;

namespace Emulator.Core.Cpu;

/// <summary>One 80-bit x87 register in a 16-byte slot.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
public struct FpuRegister
{
    /// <summary>Significand with explicit integer bit; the MMX register.</summary>
    public ulong Significand;

    /// <summary>Bit 15 sign, bits 14–0 biased exponent.</summary>
    public ushort SignExponent;
}
